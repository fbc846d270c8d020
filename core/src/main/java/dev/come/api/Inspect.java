package dev.come.api;

import dev.come.Progress;
import dev.come.job.ModelSource;
import dev.come.job.Surroundings;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Asks what a model is; {@link #run} tells. Reads headers only. */
public final class Inspect {
    private final String model;
    private @Nullable String revision;

    Inspect(String model) {
        this.model = model;
    }

    /** Branch, tag or commit of a model on the hub; the default is {@code main}. */
    public Inspect revision(String name) {
        revision = name;
        return this;
    }

    /**
     * Describes the model and its faults.
     *
     * @throws dev.come.InvalidInputException if there is no such model, or its headers cannot be read at all
     * @throws dev.come.FailedException if the hub cannot be reached
     */
    public ModelDescription run() {
        return Wording.job(() -> ModelDescription.of(new ModelSource(model, Optional.ofNullable(revision))
                .inspect(() -> Surroundings.ofProcess().hub(Progress.NONE))));
    }
}
