package dev.come.cli;

import dev.come.ByteSize;
import dev.come.UsageException;
import dev.come.job.Saving;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a model is written to. */
final class OutputOptions {
    @Option(names = "--save-path", paramLabel = "DIR", description = "Folder to write the pruned model to.")
    private @Nullable Path savePath;

    @Option(names = "--overwrite", description = "Replace what is in that folder.")
    private boolean overwrite;

    @Option(names = "--max-shard-size", paramLabel = "SIZE",
            description = "Largest file of weights, such as 5GB or 500MB (default: ${DEFAULT-VALUE}).")
    private String maxShardSize = "5GB";

    /** Whether a folder to write to was given. */
    boolean isPlaceKnown() {
        return savePath != null;
    }

    /** The folder to write to and how; an error where none was given. */
    Saving saving() {
        if (savePath == null) {
            throw new UsageException("--save-path is missing: name the folder to write the pruned model to");
        }
        return new Saving(savePath, ByteSize.parse("--max-shard-size", maxShardSize), overwrite);
    }
}
