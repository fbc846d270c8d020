package dev.come;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Every single file is written by {@code AtomicFile}; what writes by itself is listed here with its reason. */
class WrittenFilesTests {
    private static final Pattern WRITING = Pattern.compile(
            "\\bFiles\\s*\\.\\s*(write|writeString|newBufferedWriter|newOutputStream|newByteChannel|createTempFile"
                    + "|createTempDirectory|createFile|copy|move)\\b"
                    + "|StandardOpenOption\\.(CREATE|CREATE_NEW|WRITE|APPEND|TRUNCATE_EXISTING)\\b"
                    + "|\\b(FileOutputStream|FileWriter|RandomAccessFile)\\b|new (PrintWriter|PrintStream)\\("
                    + "|import static java\\.nio\\.file\\.(Files|StandardOpenOption)\\b");

    private static final Map<String, String> REASONS = Map.ofEntries(
            Map.entry("AtomicFile", "the one that writes"),
            Map.entry("AtomicFolder", "a folder that appears all at once, and its lock"),
            Map.entry("CheckpointWriter", "files within an AtomicFolder"),
            Map.entry("SideFiles", "copies within an AtomicFolder"),
            Map.entry("BlobDownload", "what arrives is kept, and gone on with"),
            Map.entry("LockedFile", "a lock, on the hub's cache shared with Python"),
            Map.entry("RunLock", "the lock of a target, which says who holds it"),
            Map.entry("TextSpool", "a temporary file that loses its name once it is open"),
            Map.entry("Main", "no file, but standard error"),
            Map.entry("JsonOption", "no file, but nothing at all: text that JSON takes the place of"),
            Map.entry("StateStore", "a temporary file that loses its name once it is open"),
            Map.entry("Journal", "lines are appended as they come"),
            Map.entry("WrittenTexts", "lines are appended as they come"),
            Map.entry("TrainedLayers", "a file gets the name that follows from its content"),
            Map.entry("Machine", "no file, but a switch of the system"),
            Map.entry("LayersElsewhere", "a folder of its own for a moment, in one that another machine gives"),
            Map.entry("DemoTrainer", "a folder for a moment, for a library that reads files"));

    @Test
    void onlyListedClassesWriteFilesThemselves() throws IOException {
        assertThat(OwnSources.with(WRITING)).as("classes that write; use AtomicFile, or say here why not")
                .containsExactlyInAnyOrderElementsOf(REASONS.keySet());
    }
}
