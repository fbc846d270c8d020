package dev.come.failure;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NearestTests {
    private static final List<String> METHODS = List.of("concat_merge", "concat_merge_P", "sleb", "shortgpt", "mka");

    /** Counted by hand. */
    @ParameterizedTest
    @CsvSource({"sleb, sleb, 0", "slep, sleb, 1", "selb, sleb, 1", "sle, sleb, 1", "ssleb, sleb, 1", "'', mka, 3",
        "shortgtp, shortgpt, 1", "kitten, sitting, 3", "ca, abc, 3"})
    void slipsAreCounted(String one, String other, int slips) {
        assertThat(Nearest.slips(one, other)).isEqualTo(slips);
        assertThat(Nearest.slips(other, one)).isEqualTo(slips);
    }

    @Test
    void theNearestNameIsFoundWhateverItsCase() {
        assertThat(Nearest.to("shortgtp", METHODS)).contains("shortgpt");
        assertThat(Nearest.to("SLEB", METHODS)).contains("sleb");
        assertThat(Nearest.to("concat-merge-p", METHODS)).contains("concat_merge_P");
        assertThat(Nearest.hint("mak", METHODS)).isEqualTo(" (did you mean mka?)");
    }

    @Test
    void whatIsFarFromAllNamesIsNotGuessed() {
        assertThat(Nearest.to("magic", METHODS)).isEmpty();
        assertThat(Nearest.hint("abc", METHODS)).isEmpty();
    }
}
