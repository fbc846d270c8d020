package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.report.Comparison;
import dev.come.report.Comparison.Row;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;

class ComparisonsTests {
    private static final String METRIC = "wiki2 (test) perplexity per token, first 8 windows of 2048 tokens, no BOS token";

    @Test
    void theBestRowIsMarkedAndTheTableFitsAnOrdinaryTerminal() {
        String printed = printed(new Comparison(30, "wiki2", OptionalDouble.of(3.345), perplexity(19.117),
                List.of(row("concat_merge_P", 5.322, 159.723), row("sleb", 4.994, 109.735),
                        row("laco", 21.663, Double.POSITIVE_INFINITY))));
        assertThat(printed.lines().limit(5)).allMatch(line -> line.length() <= 80);
        assertThat(printed.lines()).anyMatch(line -> line.matches("sleb \\* +21 .*109\\.735.*"))
                .noneMatch(line -> line.startsWith("laco *"));
        assertThat(printed).contains("Perplexity: " + METRIC + ".", "*: the least perplexity.");
    }

    @Test
    void withoutPerplexityTheLossDecides() {
        String printed = printed(new Comparison(30, "wiki2", OptionalDouble.of(3.345), new LinkedHashMap<>(),
                List.of(row("sleb", 4.994, Double.NaN), row("shortgpt", 5.284, Double.NaN))));
        assertThat(printed).contains("sleb *", "*: the least loss.");
    }

    private static Row row(String method, double loss, double perplexity) {
        return new Row(method, 21, "[0, 1]", OptionalDouble.of(loss), perplexity(perplexity), Duration.ofSeconds(1350),
                OptionalLong.of(1_100_000_000), "");
    }

    private static SequencedMap<String, Double> perplexity(double value) {
        return new LinkedHashMap<>(Map.of(METRIC, value));
    }

    private static String printed(Comparison comparison) {
        StringWriter out = new StringWriter();
        Comparisons.print(comparison, Path.of("all"), Duration.ofMinutes(3), new PrintWriter(out));
        return out.toString();
    }
}
