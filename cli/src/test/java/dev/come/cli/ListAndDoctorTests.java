package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The commands that tell what there is: list, doctor and completion. */
class ListAndDoctorTests {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private String run(Map<String, String> environment, String... arguments) {
        CommandLine line = Main.commandLine(environment);
        line.setOut(new PrintWriter(out));
        line.setErr(new PrintWriter(err));
        assertThat(Main.run(line, arguments)).as("%s", err).isZero();
        return out.toString();
    }

    @ParameterizedTest
    @ValueSource(strings = {"methods", "tasks", "data", "families"})
    void aListIsATableOfNamesThatFitsATerminalAndTheSameAsJson(String topic) {
        String table = run(Trial.OFFLINE, "list", topic);
        out.getBuffer().setLength(0);
        JsonNode json = JsonMapper.shared().readTree(run(Trial.OFFLINE, "list", topic, "--json"));
        assertThat(json.get("format").asString()).isEqualTo("come list");
        assertThat(table.lines()).hasSize(1 + json.get(topic).size());
        json.get(topic).forEach(row -> assertThat(table).contains(row.iterator().next().asString()));
        assertThat(table.lines()).allMatch(line -> line.length() <= 80);
    }

    @Test
    void everyMethodIsListed() {
        assertThat(run(Trial.OFFLINE, "list", "methods")).contains(Method.names());
    }

    /** 14,042 questions in 57 subjects, as its authors say. */
    @Test
    void aTaskOfSubjectsIsCountedAsAWhole() {
        assertThat(run(Trial.OFFLINE, "list", "tasks")).containsPattern("mmlu +1\\.0 +14042 +57");
    }

    @Test
    void theDoctorShowsSettingsWithoutPasswords() {
        Map<String, String> environment = new HashMap<>(Trial.OFFLINE);
        environment.putAll(Map.of("HF_TOKEN", "hf_secret", "https_proxy", "http://joe:pass@proxy:80", "EDITOR", "vi"));
        String text = run(environment, "doctor", "--json");
        assertThat(text).contains("\"HF_TOKEN\"", "(set)", "http://(not shown)@proxy:80", "token set", "not asked")
                .doesNotContain("hf_secret", "joe", "pass@", "EDITOR");
        JsonNode facts = JsonMapper.shared().readTree(text).get("facts");
        assertThat(facts.valueStream().map(fact -> fact.get("name").asString())).contains("come", "Java", "processor",
                "memory", "engine", "hub cache", "GGUF cache", "temporary", "hub");
    }

    @Test
    void bashCompletesNamesOfMethods(@TempDir Path folder) throws IOException, InterruptedException {
        Path script = Files.writeString(folder.resolve("come.sh"), run(Trial.OFFLINE, "completion", "bash"));
        Process bash = new ProcessBuilder("bash", "-c",
                ". " + script + "; compopt() { :; }; COMP_WORDS=(come prune --method sho);"
                        + " COMP_CWORD=3; COMP_TYPE=9; _complete_come; echo ${COMPREPLY[@]}")
                .redirectErrorStream(true).start();
        assertThat(new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip())
                .isEqualTo("shortgpt");
        assertThat(bash.waitFor()).isZero();
    }

    /** Variables of the script are numbered, and bash takes Latin digits alone. */
    @Test
    void theScriptIsTheSameInEveryLocale() {
        String script = run(Trial.OFFLINE, "completion", "bash");
        out.getBuffer().setLength(0);
        Locale locale = Locale.getDefault();
        Locale.setDefault(Locale.of("ar", "EG"));
        try {
            assertThat(run(Trial.OFFLINE, "completion", "bash")).isEqualTo(script);
        } finally {
            Locale.setDefault(locale);
        }
    }

    /** The process ends at once afterwards. */
    @Test
    void aLongOutputIsWrittenWholeBeforeTheCommandEnds() {
        CommandLine line = Main.commandLine(Trial.OFFLINE);
        StringWriter file = new StringWriter();
        line.setOut(new PrintWriter(new BufferedWriter(file)));
        Main.run(line, "completion", "bash");
        assertThat(file.toString()).isEqualTo(run(Trial.OFFLINE, "completion", "bash"));
    }

    @Test
    void fishGetsALineForEachCommandAndOption() {
        String script = run(Trial.OFFLINE, "completion", "fish");
        assertThat(script).contains("complete -c come -n '__fish_use_subcommand' -a prune -d 'Merge or remove",
                "complete -c come -n '__fish_seen_subcommand_from prune' -l method -x -a 'concat_merge ",
                "complete -c come -n '__fish_seen_subcommand_from prune' -l save-path -r -F -d 'Folder to write",
                "complete -c come -n '__fish_seen_subcommand_from prune' -l wo-repeat -d 'Never merge a merged layer",
                "complete -c come -n '__fish_seen_subcommand_from list' -a 'methods tasks data families'");
        assertThat(script.lines()).allMatch(line -> line.startsWith("complete -c come ")
                && line.replace("\\'", "").chars().filter(letter -> letter == '\'').count() % 2 == 0);
    }
}
