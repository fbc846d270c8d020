package dev.come;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Every file of a user is opened by {@code InputFile}, which refuses pipes and devices; what opens files by itself is listed here
 * with its reason.
 */
class ReadFilesTests {
    private static final Pattern READING = Pattern.compile(
            "\\bFiles\\s*\\.\\s*(newInputStream|newBufferedReader|readAllBytes|readString|readAllLines|lines)\\b"
                    + "|StandardOpenOption\\.READ\\b|\\b(FileInputStream|FileReader|RandomAccessFile)\\b"
                    + "|import static java\\.nio\\.file\\.(Files|StandardOpenOption)\\b");

    private static final Map<String, String> REASONS = Map.ofEntries(
            Map.entry("InputFile", "the one that opens"),
            Map.entry("Processor", "no file, but what the system says of the processor"),
            Map.entry("ProcessorTimes", "no file, but what the system says of the processors"),
            Map.entry("DuckDbLibrary", "no file, but what the system says of the process"),
            Map.entry("JournalFile", "scores of an earlier run, which are looked at before"),
            Map.entry("Wholeness", "blobs of the cache, which are looked at before"),
            Map.entry("Machine", "no file, but what the system says of the process"),
            Map.entry("RunLock", "the lock of a target, and what the system says of who holds it"),
            Map.entry("LockedFile", "a lock"),
            Map.entry("AtomicFolder", "folders, to bring them to the disk"),
            Map.entry("CheckpointWriter", "what it has just written; of the source regular files only"),
            Map.entry("TextSpool", "a temporary file of its own"),
            Map.entry("StateStore", "a temporary file of its own"),
            Map.entry("BlobDownload", "what it has itself begun to write"),
            Map.entry("HubCache", "references of the cache, which are looked at before"),
            Map.entry("Journal", "scores of an earlier run, which are looked at before"),
            Map.entry("WrittenTexts", "texts of an earlier run, which are looked at before"),
            Map.entry("KeptFits", "a file of the run"),
            Map.entry("LayerProcess", "a file of the run"),
            Map.entry("OwnFiles", "files of the demonstration, which are looked at before"));

    @Test
    void onlyListedClassesOpenFilesThemselves() throws IOException {
        assertThat(OwnSources.with(READING)).as("classes that open files; use InputFile, or say here why not")
                .containsExactlyInAnyOrderElementsOf(REASONS.keySet());
    }
}
