package dev.come.job;

import dev.come.UsageException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The files that a {@link EvalJob} writes.
 *
 * @param output where the results go as JSON ({@code --output})
 * @param samples whether every document is written too ({@code --log-samples})
 * @param losses where the losses of single tokens go as CSV ({@code --losses})
 * @param overwrite whether files of these names are replaced ({@code --overwrite})
 * @param resumption what becomes of the scores that an interrupted run has left beside the output
 */
public record EvalFiles(Optional<Path> output, boolean samples, Optional<Path> losses, boolean overwrite,
        Resumption resumption) {
    /** Goes on with the scores of an interrupted run with the same settings. */
    public EvalFiles(Optional<Path> output, boolean samples, Optional<Path> losses, boolean overwrite) {
        this(output, samples, losses, overwrite, Resumption.GO_ON);
    }

    /** Checks what can be checked without the model. */
    void check() {
        if (samples && output.isEmpty()) {
            throw new UsageException("--log-samples writes beside --output, which is missing");
        }
        if (overwrite && output.isEmpty() && losses.isEmpty()) {
            throw new UsageException("--overwrite replaces the files of --output and --losses, which are missing");
        }
        output.ifPresent(file -> {
            check("--output", file);
            new ResultFile("--output", file, overwrite).page().check();
        });
        if (samples) {
            check("--log-samples", samplesFile());
            check("--log-samples", longTextsFile());
        }
        losses.ifPresent(file -> {
            check("--losses", file);
            List<Path> others = output.isEmpty()
                    ? List.of()
                    : List.of(output.get(), samplesFile(), longTextsFile(), scoresFile());
            others.stream().filter(other -> absolute(other).equals(absolute(file))).findFirst().ifPresent(other -> {
                throw new UsageException("--output and --losses name the same file, " + other
                        + "; give another name");
            });
        });
    }

    private static Path absolute(Path file) {
        return file.toAbsolutePath().normalize();
    }

    /** Every document as JSON. */
    Path samplesFile() {
        return beside(".samples.jsonl");
    }

    /** Every long text as CSV. */
    Path longTextsFile() {
        return beside(".documents.csv");
    }

    /** The scores of a run that did not end. */
    Path scoresFile() {
        return beside(".scores.jsonl");
    }

    /** A file beside the output, whose name begins like that of the output. */
    private Path beside(String ending) {
        return new ResultFile("--output", output.orElseThrow(), overwrite).beside(ending);
    }

    private void check(String option, Path file) {
        new ResultFile(option, file, overwrite).check();
    }
}
