package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.cli.Trial.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.jsoup.nodes.Element;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Runs commands as a user would, and reads the pages that they leave. */
class ReportCommandTests {
    private static final JsonMapper JSON = new JsonMapper();
    private static final int LARGEST_PAGE = 300_000;

    @TempDir
    private static Path folder;

    private static Path out;
    private static Path healed;
    private static Path both;
    private static Path timed;

    @BeforeAll
    static void makeResults() throws IOException {
        Trial trial = new Trial(folder);
        out = folder.resolve("out");
        healed = folder.resolve("healed");
        both = folder.resolve("both");
        timed = folder.resolve("timed.json");
        String text = trial.text.toString();
        List<String> data = List.of("--ppl-data", text, "--ppl-windows", "2", "--seqlen", "32", "--threads", "1");
        run(trial.prune("--ppl-data", text, "--ppl-windows", "2"));
        run(with(data, "heal", "--model-name", out.toString(), "--teacher", trial.model.toString(), "--save-path",
                healed.toString(), "--calibration-dataset", text, "--nsamples", "20"));
        run(trial.prune("--method", "shortgpt,sleb,concat_merge", "--save-path", both.toString(), "--ppl-data", text,
                "--ppl-windows", "4"));
        run(List.of("latency", "--model-name", trial.model.toString(), "--removal-ratio", "0.5", "--prompt", "16",
                "--iterations", "2", "--threads", "1", "--output", timed.toString()));
    }

    private static List<String> with(List<String> more, String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(more);
        return all;
    }

    private static Outcome run(List<String> arguments) {
        Outcome outcome = Trial.run(arguments);
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        return outcome;
    }

    private static Document page(Path file) throws IOException {
        assertThat(Files.size(file)).isLessThan(LARGEST_PAGE);
        return Jsoup.parse(file);
    }

    private static JsonNode json(Path file) throws IOException {
        return JSON.readTree(Files.readAllBytes(file));
    }

    /** The numbers that a page gives with all their digits. */
    private static Set<Double> exact(Document page) {
        Set<Double> numbers = new HashSet<>();
        page.select("td[data-value]").forEach(cell -> numbers.add(Double.valueOf(cell.attr("data-value"))));
        return numbers;
    }

    private static Set<Double> numbersIn(JsonNode node) {
        Set<Double> numbers = new HashSet<>();
        if (node.isNumber()) {
            numbers.add(node.asDouble());
        }
        node.forEach(child -> numbers.addAll(numbersIn(child)));
        return numbers;
    }

    @Test
    void everyNumberOfThePlanAndOfTheRunIsOnThePageAndNoOther() throws IOException {
        JsonNode plan = json(out.resolve("come.json"));
        JsonNode record = json(out.resolve("run.json"));
        Document page = page(out.resolve("report.html"));
        Set<Double> shown = exact(page);
        Set<Double> wanted = numbersIn(plan.path("evaluations"));
        wanted.addAll(numbersIn(record.path("stages")));
        plan.path("steps").forEach(step -> wanted.addAll(numbersIn(step.path("scores").path("angular_distance"))));
        wanted.add(record.path("seconds").asDouble());
        assertThat(shown).containsAll(wanted);

        Set<Double> known = numbersIn(plan);
        known.addAll(numbersIn(record));
        for (int i = 0; i < plan.path("layers").asInt(); i++) {
            known.add((double) i); // positions, and numbers of steps
        }
        assertThat(known).containsAll(shown);
    }

    @Test
    void theVerdictIsThatOfTheRecord() throws IOException {
        JsonNode plan = json(out.resolve("come.json"));
        JsonNode record = json(out.resolve("run.json"));
        String facts = page(out.resolve("report.html")).select(".facts").text();
        assertThat(facts).contains("3 of 6",
                String.format(java.util.Locale.ROOT, "%,d", record.path("parameters").asLong()),
                PrunedModels.decimals(plan.path("evaluations").get(1).path("value").asDouble()),
                "± " + PrunedModels.decimals(plan.path("evaluations").get(1).path("value").asDouble()
                        * plan.path("evaluations").get(1).path("log_stderr").asDouble()),
                "dense " + PrunedModels.decimals(plan.path("evaluations").get(0).path("value").asDouble()));
    }

    @Test
    void aPageNeedsNoNetworkAndIsLightAndDark() throws IOException {
        for (Path file : List.of(out.resolve("report.html"), both.resolve("report.html"),
                folder.resolve("timed.report.html"))) {
            Document page = page(file);
            assertThat(Files.readString(file)).doesNotContain("http://", "https://", "@import", "url(");
            assertThat(page.select("[src], link[href]:not([href^=data:])")).isEmpty();
            assertThat(page.select("style").html()).contains("prefers-color-scheme: dark", "@media print");
            assertThat(page.title()).isNotBlank();
            assertThat(page.select("h1")).hasSize(1);
        }
    }

    @Test
    void everyChartHasATableAndEveryMarkATitle() throws IOException {
        for (Path file : List.of(out.resolve("report.html"), healed.resolve("report.html"), both.resolve("report.html"),
                folder.resolve("timed.report.html"))) {
            for (Element figure : page(file).select("figure")) {
                assertThat(figure.select("details table tbody tr")).as(figure.text()).isNotEmpty();
                Element chart = Objects.requireNonNull(figure.select("svg").first());
                assertThat(chart.attr("role")).isEqualTo("img");
                assertThat(chart.attr("aria-label")).isNotBlank();
                assertThat(chart.select("rect, path").stream().filter(mark -> mark.select("title").isEmpty()))
                        .as("marks without a title").isEmpty();
            }
        }
    }

    @Test
    void theMapTellsWhatBecameOfEachLayer() throws IOException {
        JsonNode plan = json(out.resolve("come.json"));
        String tree = plan.path("steps").get(plan.path("steps").size() - 1).path("tree").asString();
        Element map = Objects.requireNonNull(page(out.resolve("report.html")).select("figure svg").first());
        for (JsonNode layer : JSON.readTree(tree)) {
            String told = layer.isArray()
                    ? "merged " + layer.toString().replace(",", ", ")
                    : "layer " + layer + " kept";
            assertThat(map.select("rect > title").eachText()).anyMatch(title -> title.startsWith(told));
        }
    }

    @Test
    void aHealedModelShowsItsErrorsBeforeAndAfter() throws IOException {
        JsonNode plan = json(healed.resolve("come.json"));
        JsonNode scores = plan.path("steps").get(plan.path("steps").size() - 1).path("scores");
        Document page = page(healed.resolve("report.html"));
        Set<Double> wanted = numbersIn(scores.path("held_out_error_before"));
        wanted.addAll(numbersIn(scores.path("held_out_error_after")));
        assertThat(wanted).isNotEmpty();
        assertThat(exact(page)).containsAll(wanted);
        assertThat(page.select("#healing + *, section:has(#healing)").text()).contains("Refitted in closed form");
        assertThat(page.select("rect.changed")).isNotEmpty();
    }

    @Test
    void severalMethodsAreSideBySideInATableThatCanBeSorted() throws IOException {
        JsonNode comparison = json(both.resolve("comparison.json"));
        Document page = page(both.resolve("report.html"));
        assertThat(page.select("table.sorted tbody tr td:first-child").eachText()).containsExactly("dense", "shortgpt",
                "sleb", "concat_merge");
        Set<Double> wanted = new HashSet<>();
        comparison.path("methods").forEach(method -> {
            wanted.addAll(numbersIn(method.path("perplexities")));
            wanted.add(method.path("loss").asDouble());
            wanted.add(method.path("seconds").asDouble());
            wanted.add(method.path("peak_bytes").asDouble());
        });
        assertThat(exact(page)).containsAll(wanted);
        assertThat(both.resolve("sleb/report.html")).exists();
    }

    @Test
    void theTimesOfLatencyAreKeptAndShown() throws IOException {
        JsonNode times = json(timed);
        assertThat(times.path("format").asString()).isEqualTo("come-latency");
        assertThat(times.path("models")).hasSize(2);
        Document page = page(folder.resolve("timed.report.html"));
        assertThat(exact(page)).containsAll(numbersIn(times.path("models")));
        JsonNode dense = times.path("models").get(0).path("prompt_seconds");
        JsonNode small = times.path("models").get(1).path("prompt_seconds");
        double median = (dense.get(0).asDouble() / small.get(0).asDouble()
                + dense.get(1).asDouble() / small.get(1).asDouble())
                / 2;
        assertThat(page.select(".facts").text()).contains(String.format(java.util.Locale.ROOT, "%.2f×", median));
    }

    @Test
    void severalResultsAreJoinedOnOnePage() throws IOException {
        Path joined = folder.resolve("joined.html");
        Outcome outcome = run(List.of("report", out.toString(), healed.toString(), timed.toString(), "--output",
                joined.toString()));
        assertThat(outcome.out()).contains("Report: " + joined);
        Document page = page(joined);
        assertThat(page.select("h2").eachText()).containsExactly("Layers", "Steps", "Quality", "Healing", "Latency",
                "How it was made");
        assertThat(page.select("table").stream().filter(table -> table.text().startsWith("model layers perplexity"))
                .findFirst().orElseThrow().select("tbody td:first-child").eachText())
                .contains("dense", "pruned", "healed");
    }

    @Test
    void whatCannotBeShownIsRefused() throws IOException {
        Path page = folder.resolve("none.html");
        Outcome empty = Trial.run(List.of("report", folder.resolve("model").toString(), "--output", page.toString()));
        assertThat(empty.exitCode()).isEqualTo(2);
        assertThat(empty.err()).contains("holds no result; give a folder or file with come.json");
        Outcome missing = Trial
                .run(List.of("report", folder.resolve("nowhere").toString(), "--output", page.toString()));
        assertThat(missing.exitCode()).isEqualTo(2);
        assertThat(missing.err()).contains("There is nothing at");
        Path broken = Files.writeString(folder.resolve("broken.json"), "{\"format\": \"come-eval\", ");
        Outcome damaged = Trial.run(List.of("report", broken.toString(), "--output", page.toString()));
        assertThat(damaged.exitCode()).isEqualTo(3);
        assertThat(damaged.err()).contains("broken.json is not JSON");
        Path there = Files.writeString(folder.resolve("there.html"), "mine");
        Outcome kept = Trial.run(List.of("report", out.toString(), "--output", there.toString()));
        assertThat(kept.exitCode()).isEqualTo(2);
        assertThat(kept.err()).contains("is there already; add --overwrite");
        assertThat(there).hasContent("mine");
        assertThat(page).doesNotExist();
    }
}
