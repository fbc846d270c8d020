package dev.come.job;

import dev.come.UsageException;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.evaluate.JournalFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
            if (JournalFile.written(scoresFile()).isEmpty()) { // else the page is that of the interrupted run
                new ResultFile("--output", file, overwrite).page().check();
            }
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

    /** What an interrupted run has written is replaced as it goes on, as long as nobody has changed it. */
    private void checkReplaceable(String option, Path file) {
        if (JournalFile.isOne(file)) {
            throw new UsageException(
                    option + ": " + file + " holds the scores of a run that was interrupted, and is not"
                            + " replaced; give another name");
        }
        if (!overwrite && (output.isEmpty() || !ResultFiles.isOneOf(JournalFile.written(scoresFile()), file))) {
            throw new UsageException(option + ": " + file
                    + " is there already; add --overwrite, or give another name");
        }
    }

    /** Whether a run keeps beside its output what it has done: only one that has more to do than to write one file. */
    boolean keepScores(boolean tasks) {
        return output.isPresent() && (tasks || losses.isPresent());
    }

    /**
     * Checks that nothing is replaced that the run reads.
     *
     * @param models their folders
     * @param others texts and tasks: files, and folders whose files are read
     */
    void checkAgainst(List<Path> models, List<Path> others) {
        Map<String, Path> written = new LinkedHashMap<>();
        losses.ifPresent(file -> written.put("--losses", file));
        output.ifPresent(file -> written.put("--output", file));
        written.forEach((option, file) -> {
            Path real = real(file);
            boolean ofOthers = others.stream().map(EvalFiles::real)
                    .anyMatch(other -> real.equals(other) || other.equals(real.getParent()));
            boolean ofModels = models.stream().map(EvalFiles::real).anyMatch(model -> model.equals(real.getParent()))
                    && CheckpointWriter.isOfModel(String.valueOf(real.getFileName()));
            if ((ofOthers || ofModels) && Files.exists(file)) {
                throw new UsageException(option + ": " + file + " is what this run reads, and is not replaced; give"
                        + " another name");
            }
        });
    }

    private static Path real(Path file) {
        try {
            return file.toRealPath();
        } catch (IOException _) {
            return absolute(file); // it is not there yet
        }
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
        if (Files.isRegularFile(file)) {
            new ResultFile(option, file, true).check();
            checkReplaceable(option, file);
        } else {
            new ResultFile(option, file, overwrite).check();
        }
    }
}
