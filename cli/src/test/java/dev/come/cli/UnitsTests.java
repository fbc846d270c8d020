package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UnitsTests {
    @ParameterizedTest
    @CsvSource({"0, 0.0 s", "4123, 4.1 s", "59400, 59.4 s", "59960, 1 min 00 s", "200000, 3 min 20 s",
        "3599600, 1 h 00 min", "7500000, 2 h 05 min"})
    void timeIsWrittenAsPeopleSayIt(long milliseconds, String text) {
        assertThat(Units.time(Duration.ofMillis(milliseconds))).isEqualTo(text);
    }
}
