package dev.come.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.evaluate.TokenLosses.Beside;
import dev.come.model.NextTokenDivergence;
import dev.come.text.PerplexityText;
import dev.come.text.Sequences;
import dev.come.text.TextFacts;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TokenLossesTests {
    private static PerplexityText text(String name, Sequences windows, int stride) {
        return new PerplexityText(windows,
                new TextFacts(name, "test", List.of(), 1, 1, "cut into windows", 0, 0, windows.tokenCount(),
                        windows.count(), windows.length(0), OptionalInt.empty(), false, windows.fingerprint(),
                        List.of()),
                stride, false);
    }

    /** By hand. */
    @Test
    void aDivergenceIsSummedUpOverAllTokens() {
        Sequences windows = Sequences.of(Collections.nCopies(100, new int[]{5, 6, 7}));
        double[][] losses = new double[100][];
        Beside beside = new Beside(new double[100][], new NextTokenDivergence[100]);
        for (int window = 0; window < 100; window++) {
            losses[window] = new double[]{2, 3};
            beside.losses()[window] = new double[]{1.5, window % 2 == 0 ? 2 : 3};
            // 0.01, 0.02 ... 2.00 in another order.
            beside.divergences()[window] = new NextTokenDivergence(new double[]{(100 - window) / 100.0,
                (101 + window) / 100.0}, new boolean[]{window < 60, false});
        }
        TokenLosses tokens = new TokenLosses(text("wiki2", windows, 3), losses, Optional.of(beside));
        Divergence divergence = tokens.divergence().orElseThrow();
        assertThat(divergence.metric())
                .isEqualTo("wiki2 (test) KL divergence per token, windows of 3 tokens, no BOS token");
        assertThat(divergence.tokens()).isEqualTo(200);
        assertThat(divergence.mean()).isCloseTo(1.005, within(1e-12));
        assertThat(divergence.percentile99()).as("198 of 200 are not above it").isEqualTo(1.98);
        assertThat(divergence.maximum()).isEqualTo(2);
        assertThat(divergence.sameTop()).isEqualTo(0.3);
        // Differences: 0.5 a hundred times, 1 and 0 fifty times each.
        assertThat(divergence.logPerplexityDifference()).isCloseTo(0.5, within(1e-12));
        assertThat(divergence.standardError().orElseThrow()).isCloseTo(Math.sqrt(100 * 0.25 / 199 / 200),
                within(1e-12));
        assertThat(tokens.perplexity().value()).isCloseTo(Math.exp(2.5), within(1e-12));
        assertThat(divergence.reference().value()).isCloseTo(Math.exp(2), within(1e-12));
    }

    @Test
    void oneTokenHasADivergenceButNoError() {
        TokenLosses tokens = new TokenLosses(text("wiki2", Sequences.of(List.of(new int[]{5, 6})), 2),
                new double[][]{{2}}, Optional.of(new Beside(new double[][]{{1}},
                        new NextTokenDivergence[]{new NextTokenDivergence(new double[]{0.25}, new boolean[]{true})})));
        Divergence divergence = tokens.divergence().orElseThrow();
        assertThat(divergence.percentile99()).isEqualTo(0.25);
        assertThat(divergence.standardError()).isEmpty();
    }

    @Test
    void everyScoredTokenHasARowWhoseNumbersAreReadBackAsTheyAre() throws IOException {
        Sequences windows = Sequences.slidingWindows(IntStream.range(10, 16).toArray(), 4, 2);
        StringBuilder out = new StringBuilder();
        TokenLosses.writeHeader(false, out);
        new TokenLosses(text("a \"b\", c.txt", windows, 2), new double[][]{{1.0 / 3, 2, 1e-300}, {4, 0.1}},
                Optional.empty()).writeRows(out);
        assertThat(out.toString().split("\r\n")).containsExactly("corpus,window,position,token,loss",
                "\"a \"\"b\"\", c.txt\",0,1,11,0.3333333333333333", "\"a \"\"b\"\", c.txt\",0,2,12,2.0",
                "\"a \"\"b\"\", c.txt\",0,3,13,1.0E-300", "\"a \"\"b\"\", c.txt\",1,2,14,4.0",
                "\"a \"\"b\"\", c.txt\",1,3,15,0.1");
        assertThat(Double.parseDouble("0.3333333333333333")).isEqualTo(1.0 / 3);
    }
}
