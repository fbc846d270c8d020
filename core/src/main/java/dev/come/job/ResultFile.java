package dev.come.job;

import dev.come.UsageException;
import dev.come.report.Report;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file that a job writes.
 *
 * @param option the option that names it, for messages
 * @param overwrite whether a file of that name is replaced
 */
public record ResultFile(String option, Path file, boolean overwrite) {
    private static final String ENDING = ".json";

    /**
     * Fails now rather than after the work if it cannot be written.
     *
     * @throws UsageException if it is a folder, in none, or there already
     */
    public void check() {
        Path folder = file.toAbsolutePath().getParent();
        if (Files.isDirectory(file) || folder == null) {
            throw new UsageException(option + ": " + file + " is a folder; give the name of a file");
        }
        if (!Files.isDirectory(folder)) {
            throw new UsageException(option + ": there is no folder " + folder + "; make it first");
        }
        if (Files.exists(file) && !overwrite) {
            throw new UsageException(option + ": " + file
                    + " is there already; add --overwrite, or give another name");
        }
    }

    /** A file beside it whose name begins like its own: {@code a.scores.jsonl} beside {@code a.json}. */
    Path beside(String ending) {
        String name = String.valueOf(file.getFileName());
        return file.resolveSibling(
                (name.endsWith(ENDING) ? name.substring(0, name.length() - ENDING.length()) : name) + ending);
    }

    /** Its page, beside it. */
    public ResultFile page() {
        return new ResultFile(option, beside("." + Report.FILE_NAME), overwrite);
    }
}
