package dev.come.cli;

import dev.come.job.ModelSource;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** A pruned model that is made better, and the dense model that it was made from. */
final class PrunedModelOptions extends ModelOptions {
    @Option(names = "--teacher", required = true, paramLabel = "MODEL",
            description = "Folder or hub name of the dense model that it was made from.")
    private String teacher = "";

    @Override
    Stream<Path> paths() {
        return Stream.concat(super.paths(), new ModelSource(teacher, Optional.empty()).onDisk().stream());
    }

    /** The folder of the dense model; one on the hub is fetched first, a GGUF file unpacked. */
    Path teacher() {
        return folder(teacher);
    }
}
