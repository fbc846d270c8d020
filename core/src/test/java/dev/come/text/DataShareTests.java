package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.UsageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DataShareTests {
    @TempDir
    private Path folder;

    @Test
    void sharesAreOfTheirSum() {
        assertThat(DataShare.of(List.of("wiki2"))).containsExactly(new DataShare("wiki2", 1));
        assertThat(DataShare.of(List.of("wiki2,c4"))).containsExactly(new DataShare("wiki2", 0.5),
                new DataShare("c4", 0.5));
        assertThat(DataShare.of(List.of("wiki2:1", "c4:3"))).containsExactly(new DataShare("wiki2", 0.25),
                new DataShare("c4", 0.75));
        assertThat(DataShare.of(List.of("wiki2:.25, a:b.txt:0.75"))).containsExactly(new DataShare("wiki2", 0.25),
                new DataShare("a:b.txt", 0.75));
    }

    @Test
    void aFileMayBeCalledAsAMixtureIsWritten() throws IOException {
        String shared = Files.createFile(folder.resolve("a.txt:3")).toString();
        String listed = Files.createFile(folder.resolve("a,b.txt")).toString();
        assertThat(DataShare.of(List.of(shared, listed))).containsExactly(new DataShare(shared, 0.5),
                new DataShare(listed, 0.5));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            wiki2:0.5,c4     | c4 has no share, but another data set has one
            wiki2,c4,wiki2   | names wiki2 twice
            wiki2:1,wiki2:2  | names wiki2 twice
            wiki2:0,c4:1     | the share of wiki2 is 0
            ,                | is empty
            """)
    void whatNoMixtureCanBeIsRefused(String given, String why) {
        assertThatThrownBy(() -> DataShare.of(List.of(given))).isInstanceOf(UsageException.class)
                .hasMessageContaining(why);
    }
}
