package dev.come.cli;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/** A pruned model that is made better, and the dense model that it was made from. */
final class PrunedModelOptions extends ModelOptions {
    @Option(names = "--teacher", required = true, paramLabel = "MODEL",
            description = "Folder or hub name of the dense model that it was made from.")
    private String teacher = "";

    /** The folder of the dense model; one on the hub is fetched first, a GGUF file unpacked. */
    Path teacher() {
        return folder(teacher);
    }
}
