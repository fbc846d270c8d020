package dev.come.cli;

import dev.come.hub.Hub;
import dev.come.job.ModelSource;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** The model that a command works on, and the hub that it may come from. */
class ModelOptions implements Supplier<Hub> {
    @ParentCommand
    private Main main;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(names = {"--model-name", "--model"}, required = true, paramLabel = "MODEL",
            description = "Folder of the model, its GGUF file, or its name OWNER/NAME on the Hugging Face hub, to"
                    + " download it.")
    private String name = "";

    @Option(names = "--revision", paramLabel = "REV",
            description = "Branch, tag or commit of a model on the hub (default: " + Hub.DEFAULT_REVISION + ").")
    private @Nullable String revision;

    /** Where the models lie that were named, in as far as they are on this machine. */
    Stream<Path> paths() {
        return new ModelSource(name, Optional.empty()).onDisk().stream();
    }

    /** The folder of the model; one on the hub is fetched first, a GGUF file unpacked. */
    Path folder() {
        return folder(new ModelSource(name, Optional.ofNullable(revision)));
    }

    /** The folder of another model that the command needs, from a path or a name on the hub. */
    Path folder(String other) {
        return folder(new ModelSource(other, Optional.empty()));
    }

    private Path folder(ModelSource source) {
        return source.folder(this, main.ggufCache(), main.progress(spec.commandLine().getErr()));
    }

    /** Gives the hub when it is needed; always the same object, by which it is seen that two texts are the same. */
    Supplier<Hub> hub() {
        return this;
    }

    @Override
    public Hub get() {
        return main.hub(spec.commandLine().getErr());
    }
}
