package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.NothingToDoException;
import dev.come.UsageException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;

class CommandLineTests {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void helpNamesEveryCommand() {
        assertThat(run("--help")).isZero();
        assertThat(out.toString()).contains("demo", "prune", "heal", "apply", "eval", "generate", "Exit codes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"demo", "prune", "heal", "apply", "eval", "generate"})
    void everyCommandHasHelpThatFitsAnOrdinaryTerminal(String command) {
        assertThat(run(command, "--help")).isZero();
        assertThat(out.toString().lines()).allMatch(line -> line.length() <= 80);
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void pruneHasTheOptionsAndDefaultsOfTheAuthors() {
        run("prune", "--help");
        assertThat(out.toString().replaceAll("\\s+", " ")).contains("--method=NAME...", "--model-name=MODEL",
                "--revision=REV",
                "--target-layers=N", "--save-path=DIR", "--continue-saving", "--ppl-data=NAME...",
                "Decides which rows are taken (default: 10)", "(default: wiki2; shortgpt: pg19; mka: mmlu)",
                "(default: 256; sleb, taylor, laco: 128; mka: 250;", "chosen (default: bi)",
                "2 or more (default: 2)", "--wo-repeat", "influence (default: 1.0)", "0 to 1 (default: 0.0)",
                "(default: 20; come_auto: 4)", "never remove (default: 1,1)", "or prod (default: sum)",
                "(default for mka: 50)", "(default: 8.0)", "(default: rdsc)", "(default: 0.65)");
    }

    @Test
    void aCommandIsAskedForWhenThereIsNone() {
        assertThat(run()).isEqualTo(2);
        assertThat(err.toString()).contains("come: Missing required subcommand", "come --help");
    }

    @Test
    void aMistypedOptionIsRefusedWithASuggestion() {
        assertThat(run("eval", "--model-name", "m", "--data_dir=d", "--ppl-data", "wiki2")).isEqualTo(2);
        assertThat(err.toString()).contains("come: There is no option --data_dir (did you mean --data-dir?)");
    }

    @Test
    void aMistypedOptionIsNotTakenForAnotherDataSet() {
        assertThat(run("eval", "--model-name", "m", "--ppl-data", "wiki2", "--treads=3")).isEqualTo(2);
        assertThat(err.toString()).contains("come: There is no option --treads (did you mean --threads?)");
    }

    @Test
    void aPromptMayLookLikeAnOption() {
        assertThat(run("generate", "--model-name", "m", "--prompt", "--once")).isNotEqualTo(2);
    }

    @Test
    void aMissingOptionIsNamed() {
        assertThat(run("prune", "--method", "concat_merge", "--target-layers", "3")).isEqualTo(2);
        assertThat(err.toString()).contains("come: Missing required option: '--model-name=MODEL'", "come prune --help");
    }

    /** It is told before what is missing, which is the same option. */
    @Test
    void aMistypedOptionIsToldBeforeTheMissingOne() {
        assertThat(run("prune", "--mehtod", "sleb", "--modle-name=m", "--target-layers", "3")).isEqualTo(2);
        assertThat(err.toString())
                .isEqualToIgnoringNewLines("come: There is no option --mehtod (did you mean --method?),"
                        + " nor --modle-name (did you mean --model-name?)'come prune --help' lists what can be given");
    }

    @Test
    void aMistypedCommandIsNamed() {
        assertThat(run("prun", "--method", "sleb")).isEqualTo(2);
        assertThat(err.toString()).contains("come: There is no command prun (did you mean prune?)");
    }

    @Test
    void aMistypedNameIsRefusedWithTheNearest() {
        assertThat(run("prune", "--method", "sleb,shortgtp", "--model", "m", "--target-layers", "3")).isEqualTo(2);
        assertThat(err.toString()).contains("--method: there is no shortgtp (did you mean shortgpt?)");
        assertThat(run("eval", "--model", "m", "--tasks", "hellaswg")).isNotZero();
    }

    @Test
    void helpOfACommandIsThatOfItsOption() {
        assertThat(run("help", "prune")).isZero();
        String help = out.toString();
        out.getBuffer().setLength(0);
        assertThat(run("prune", "--help")).isZero();
        assertThat(help).isEqualTo(out.toString()).contains("*     --method=NAME...", "Example:");
    }

    /** As on the command line of the shell, where blanks make several arguments. */
    @Test
    void namesOfMethodsMayHaveBlanksOrCommasBetween() {
        for (List<String> names : List.of(List.of("reverse", "magic"), List.of("reverse,magic"),
                List.of("reverse, magic"), List.of("reverse,", "magic"))) {
            List<String> arguments = new ArrayList<>(List.of("prune", "--method"));
            arguments.addAll(names);
            arguments.addAll(List.of("--model", "m", "--target-layers", "3", "--save-path", "o"));
            err.getBuffer().setLength(0);
            assertThat(run(arguments.toArray(String[]::new))).isEqualTo(2);
            assertThat(err.toString()).as("%s", names).contains("there is no magic");
        }
    }

    @Test
    void aNumberThatIsNoneIsNamed() {
        assertThat(run("prune", "--target-layers", "few")).isEqualTo(2);
        assertThat(err.toString()).contains("--target-layers", "'few' is not an int");
    }

    @Test
    void aMethodThatDoesNotExistIsRefusedWithThoseThatDo() {
        assertThat(run("prune", "--method", "magic", "--model-name", "m", "--target-layers", "3")).isEqualTo(2);
        assertThat(err.toString()).isEqualToIgnoringNewLines("come: --method: there is no magic; choose from: "
                + "concat_merge, concat_merge_P, sleb, shortgpt, reverse, magnitude, magnitude+, taylor, taylor+, mka, "
                + "laco, come_auto, seam_auto, manual, all, or several separated by commas");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            sleb | --granularity 6 | --granularity is no option of sleb, but of concat_merge_P, come_auto, seam_auto
            concat_merge_P | --shortlist 6 | --shortlist is no option of concat_merge_P, but of come_auto
            come_auto | --wo-repeat | --wo-repeat is no option of come_auto, but of concat_merge, concat_merge_P
            come_auto | --compat reference | --compat is no option of come_auto
            come_auto | --shortlist -1 | --shortlist is -1, but must be at least 1, or 0 to try every layer and pair
            sleb | --refit | --refit is no option of sleb, but of come_auto
            come_auto | --refit -1 | --refit is -1, but must be at least 1, or 0 to refit nothing
            come_auto | --refit many | is not an int
            come_auto | --barriers 1 | --barriers is 1, but two numbers are expected
            shortgpt | --barriers 1,1 | --barriers is no option of shortgpt, but of sleb, come_auto, seam_auto
            reverse | --compat reference | --compat is no option of reverse
            magnitude | --nsamples 5 | --nsamples: magnitude looks at the weights alone
            reverse,magnitude+ | --seed 5 | --seed: reverse,magnitude+ looks at the weights alone
            mka | --sentences f | --sentences is no option of mka, but of laco
            concat_merge,sleb | --retain-layer 1 | --retain-layer is no option of concat_merge,sleb, but of reverse
            concat_merge_P | --merge-item 3 | concat_merge_P merges pairs: 2 only
            sleb | --barriers 1 | --barriers is 1, but two numbers are expected
            taylor | --weight-reduction most | --weight-reduction: there is no most; choose from: sum, mean, max, prod
            laco | --laco-variant both | --laco-variant: there is no both; choose from: rdsc, telescope
            """)
    void anOptionThatDoesNothingForTheMethodIsRefused(String method, String options, String message) {
        List<String> arguments = new ArrayList<>(List.of("prune", "--method", method, "--model-name", "m",
                "--target-layers", "3", "--save-path", "out"));
        arguments.addAll(List.of(options.split(" ")));
        assertThat(run(arguments.toArray(String[]::new))).isEqualTo(2);
        assertThat(err.toString()).contains(message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --tasks boolq --bos maybe | --bos is "maybe", but the choices are tokenizer, always, never
            --tasks boolq --harness-version 5 | --harness-version is "5", but the choices are 0.4.13, 0.4.9.1, 0.4.1
            --ppl-data wiki2 --limit 5 | --limit takes the first documents of tasks, but --tasks is missing
            --ppl-data wiki2 --memory 10 | --memory is 10 bytes, but must be at least 1.0 kB, or 0 to hold no states
            --tasks boolq --limit 0 | --limit is 0, but must be at least 1
            --tasks boolq --num-fewshot -1 | --num-fewshot is -1, but must be at least 0
            --tasks piqa,boolq,piqa | --tasks names a task twice: piqa,boolq,piqa
            """)
    void anEvaluationThatMakesNoSenseIsRefused(String options, String message) {
        List<String> arguments = new ArrayList<>(List.of("eval", "--model-name", "m"));
        arguments.addAll(List.of(options.split(" ")));
        assertThat(run(arguments.toArray(String[]::new))).isEqualTo(2);
        assertThat(err.toString()).contains(message);
    }

    @Test
    void moreThreadsThanProcessorsAreTold() {
        int processors = Runtime.getRuntime().availableProcessors();
        run("generate", "--model", "m", "--prompt", "p", "--threads", "" + (processors + 1));
        assertThat(err.toString()).contains("but there are " + processors + " processors");
        err.getBuffer().setLength(0);
        run("generate", "--model", "m", "--prompt", "p", "--threads", "" + processors);
        assertThat(err.toString()).doesNotContain("processors");
    }

    @Test
    void aNameThatMayHaveBeenMeantAsAFolderIsToldAsOne(@TempDir Path folder) throws IOException {
        Files.createDirectory(folder.resolve("smollm2"));
        assertThat(run("inspect", folder.resolve("smolm2").toString())).isEqualTo(3);
        assertThat(err.toString()).contains("There is no folder " + folder.resolve("smolm2")
                + " (did you mean smollm2?), and it is no name on the Hugging Face hub");
        err.getBuffer().setLength(0);
        assertThat(run("inspect", "smolm2")).isEqualTo(3);
        assertThat(err.toString()).contains("There is no folder smolm2 here, and as a name on the hub: ");
    }

    @Test
    void onlyLacoDoesWithoutANumberOfLayers() {
        assertThat(run("prune", "--method", "sleb,laco", "--model-name", "m", "--save-path", "o")).isEqualTo(2);
        assertThat(err.toString()).contains("--target-layers is missing");
        assertThat(run("prune", "--method", "laco", "--model-name", "m", "--save-path", "o")).isEqualTo(3);
    }

    @Test
    void failuresGiveTheirExitCodeAndOneLine() {
        assertFailure(new FailedException("the disk is full"), 1, "come: the disk is full");
        assertFailure(new UsageException("--target-layers must be at least 1"), 2,
                "come: --target-layers must be at least 1");
        assertFailure(new InvalidInputException("config.json is empty"), 3, "come: config.json is empty");
        assertFailure(new NothingToDoException("no window is left"), 4, "come: no window is left");
    }

    @Test
    void anUnexpectedExceptionIsOneLineThatSaysHowToSeeMore() {
        assertFailure(new IllegalStateException("first\nsecond"), 1,
                "come: unexpected: java.lang.IllegalStateException: first; run again with --verbose to see where");
    }

    @Test
    void verboseShowsTheStackTrace() {
        assertThat(runThrowing(new FailedException("no"), "--verbose")).isEqualTo(1);
        assertThat(err.toString()).contains("come: no", "at dev.come.cli.CommandLineTests");
    }

    private void assertFailure(RuntimeException exception, int exitCode, String line) {
        err.getBuffer().setLength(0);
        assertThat(runThrowing(exception)).isEqualTo(exitCode);
        assertThat(err.toString()).isEqualToIgnoringNewLines(line);
        assertThat(err.toString().lines()).hasSize(1);
    }

    private int run(String... arguments) {
        return execute(Main.commandLine(Trial.OFFLINE), arguments);
    }

    private int runThrowing(RuntimeException exception, String... options) {
        Throwing command = new Throwing(exception);
        return execute(Main.commandLine(Trial.OFFLINE).addSubcommand("throw", command),
                Stream.concat(Stream.of(options), Stream.of("throw")).toArray(String[]::new));
    }

    private int execute(CommandLine commandLine, String... arguments) {
        return commandLine.setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(arguments);
    }

    @Command
    private record Throwing(RuntimeException exception) implements Runnable {
        @Override
        public void run() {
            throw exception;
        }
    }
}
