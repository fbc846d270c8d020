package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class SequencesTests {
    private final Sequences three = Sequences.of(List.of(new int[]{5, 6}, new int[]{7}, new int[]{8, 9, 5}));

    @Test
    void sequencesLieEndToEnd() {
        assertThat(three.tokens()).containsExactly(5, 6, 7, 8, 9, 5);
        assertThat(three.offsets()).containsExactly(0, 2, 3, 6);
        assertThat(three.count()).isEqualTo(3);
        assertThat(three.tokenCount()).isEqualTo(6);
        assertThat(three.length(2)).isEqualTo(3);
        assertThat(three.sequence(2)).containsExactly(8, 9, 5);
        assertThat(three).hasToString("Sequences[3 sequences, 6 tokens]");
    }

    @Test
    void aSliceHasItsOwnOffsets() {
        assertThat(three.slice(1, 3)).isEqualTo(Sequences.of(List.of(new int[]{7}, new int[]{8, 9, 5})));
        assertThat(three.slice(0, 3)).isEqualTo(three).hasSameHashCodeAs(three);
        assertThat(three.slice(2, 2)).isEqualTo(Sequences.of(List.of()));
    }

    @Test
    void someAreSpreadEvenly() {
        Sequences windows = Sequences.windows(new int[]{0, 1, 2, 3, 4}, 1);
        assertThat(windows.spread(2)).isEqualTo(Sequences.of(List.of(new int[]{0}, new int[]{2})));
        assertThat(windows.spread(5)).isEqualTo(windows);
        assertThat(windows.spread(0).count()).isZero();
    }

    @Test
    void theTailThatDoesNotFillAWindowIsDropped() {
        int[] ids = {1, 2, 3, 4, 5, 6, 7};
        assertThat(Sequences.windows(ids, 3))
                .isEqualTo(Sequences.of(List.of(new int[]{1, 2, 3}, new int[]{4, 5, 6})));
        assertThat(Sequences.windows(ids, 7).count()).isEqualTo(1);
        assertThat(Sequences.windows(ids, 8).count()).isZero();
    }

    @Test
    void theFingerprintTellsIdsAndLengthsApart() {
        // python3 -c "import hashlib, struct; print(hashlib.sha256(struct.pack('<5i', 5, 6, 7, 0, 3)).hexdigest())"
        Sequences one = Sequences.of(List.of(new int[]{5, 6, 7}));
        assertThat(one.fingerprint()).isEqualTo("fb6d61453eff7cf9207ec51b22250f8363b14d0e1b4f422e422af372fbaad3dd");
        assertThat(Sequences.of(List.of(new int[]{5, 6}, new int[]{7})).fingerprint())
                .isNotEqualTo(one.fingerprint());
    }

    @Test
    void whatIsNoSetOfSequencesIsRefused() {
        assertThatThrownBy(() -> new Sequences(new int[]{1, 2}, new int[]{0, 1}))
                .hasMessage("offsets must run from 0 to the number of tokens, 2");
        assertThatThrownBy(() -> new Sequences(new int[]{1}, new int[]{0, 1, 1})).hasMessage("sequence 1 is empty");
        assertThatThrownBy(() -> new Sequences(new int[]{-3}, new int[]{0, 1}))
                .hasMessage("token id -3 is negative");
    }
}
