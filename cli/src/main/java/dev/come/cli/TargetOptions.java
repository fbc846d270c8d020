package dev.come.cli;

import dev.come.UsageException;
import dev.come.job.Target;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How small a model is to become; one of the options says so. */
final class TargetOptions {
    @Option(names = "--target-layers", paramLabel = "N",
            description = "Number of decoder layers to keep; only laco and manual work without a target.")
    private @Nullable Integer layers;

    @Option(names = "--removal-ratio", paramLabel = "R",
            description = "The same as a share of the decoder layers that goes, such as 0.3.")
    private @Nullable Double ratio;

    @Option(names = "--target-parameters", paramLabel = "N",
            description = "The same as parameters of the whole result at most, such as 1.2B or 850M.")
    private @Nullable String parameters;

    /**
     * What is asked for.
     *
     * @throws UsageException if two options say it
     */
    Target target() {
        List<String> given = Stream.of(layers == null ? null : "--target-layers",
                ratio == null ? null : "--removal-ratio", parameters == null ? null : "--target-parameters")
                .filter(Objects::nonNull).toList();
        if (given.size() > 1) {
            throw new UsageException(String.join(" and ", given) + " all say how small the model is to become;"
                    + " keep one of them");
        }
        if (layers != null) {
            return new Target.Layers(layers);
        }
        if (ratio != null) {
            return new Target.RemovalRatio(ratio);
        }
        return parameters == null
                ? new Target.OfMethod()
                : new Target.Parameters(Units.count("--target-parameters", parameters));
    }
}
