package dev.come.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.prune.PruningMethod.Cost;
import org.junit.jupiter.api.Test;

class CostTests {
    /** From 4 layers to 2 with 3 and 2 candidates: 4 + (4 + 3) / 2 runs of the stack, (3 * 4 + 2 * 3) / 2 of candidates. */
    @Test
    void aSearchIsSparedWorkOnCandidatesAlone() {
        Cost most = Cost.ofSearches(4, 2, left -> left - 1);
        assertThat(most).isEqualTo(new Cost(2, 7.5 + 9, 5, 9));
        Cost least = most.atLeast();
        assertThat(least.layerRuns()).isCloseTo(7.5 + 0.4 * 9, within(1e-12));
        assertThat(least.headRuns()).isCloseTo(0.4 * 5, within(1e-12));
    }

    @Test
    void whatSearchesNothingIsSparedNothing() {
        Cost once = Cost.once(30, 3);
        assertThat(once.atLeast()).isEqualTo(once);
    }
}
