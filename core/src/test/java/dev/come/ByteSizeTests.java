package dev.come;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTests {
    @ParameterizedTest
    @CsvSource({"5GB, 5000000000", "200MB, 200000000", "10KB, 10000", "1GiB, 1073741824", "1 mib, 1048576",
        "2KIB, 2048", "1.5GB, 1500000000", "4096, 4096", "2TB, 2000000000000", "0, 0"})
    void readsSizes(String text, long bytes) {
        assertThat(ByteSize.parse("--memory", text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "GB", "-1GB", "5 potatoes", "1e3"})
    void refusesWhatIsNoSize(String text) {
        assertThatExceptionOfType(UsageException.class).isThrownBy(() -> ByteSize.parse("--memory", text))
                .withMessageContainingAll("--memory", "'" + text + "'", "5GB");
    }

    @ParameterizedTest
    @CsvSource({"0, 0 bytes", "999, 999 bytes", "1000, 1.0 kB", "269060552, 269 MB", "1300000000, 1.3 GB",
        "999999, 1.0 MB", "99960, 100 kB"})
    void writesSizes(long bytes, String text) {
        assertThat(ByteSize.format(bytes)).isEqualTo(text);
    }
}
