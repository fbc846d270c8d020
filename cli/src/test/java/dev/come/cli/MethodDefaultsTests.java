package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.UsageException;
import dev.come.calibration.Calibration.GradientOrder;
import dev.come.calibration.Reading;
import dev.come.hub.Hub;
import dev.come.job.PruneJob;
import dev.come.prune.ComeAuto;
import dev.come.prune.ConcatMerge;
import dev.come.prune.ConcatMergeP;
import dev.come.prune.Methods;
import dev.come.prune.Methods.Entry;
import dev.come.prune.PruningMethod;
import dev.come.prune.SeamAuto;
import dev.come.prune.Sleb;
import dev.come.prune.Taylor;
import dev.come.text.CalibrationSet;
import dev.come.text.TextSource;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** The command line has the methods, the options and the defaults of {@link Methods}, and none besides. */
class MethodDefaultsTests {
    private static CommandSpec prune() {
        return Objects.requireNonNull(Main.commandLine(Trial.OFFLINE).getSubcommands().get("prune"))
                .getCommandSpec();
    }

    /** What {@code come prune} makes of these arguments. */
    private static PruningMethod method(Method method, String... arguments) {
        MethodOptions options = new MethodOptions();
        CommandSpec spec = CommandSpec.forAnnotatedObjectLenient(options);
        Sections.addTo(spec);
        new CommandLine(spec).parseArgs(arguments);
        return method.create(options, true);
    }

    private static String help(String option) {
        return String.join(" ", prune().findOption(option).description());
    }

    @Test
    void theMethodsAreThoseOfTheCatalogue() {
        List<? extends Entry<?>> entries = Arrays.stream(Method.values()).map(Method::entry).toList();
        assertThat(entries).hasSameSizeAs(Methods.ALL);
        for (int i = 0; i < entries.size(); i++) {
            assertThat(entries.get(i)).isSameAs(Methods.ALL.get(i));
        }
        Methods.ALL.forEach(entry -> assertThat(Methods.of(entry.method())).isSameAs(entry));
    }

    @ParameterizedTest
    @EnumSource
    void aMethodWithoutOptionsIsThatOfAJavaProgram(Method method) {
        assertThat(method(method)).isEqualTo(method.entry().method());
        assertThat(method(method).options()).isEqualTo(method.entry().defaults());
    }

    @ParameterizedTest
    @EnumSource
    void aMethodIsMeasuredOnTheDataOfAJavaProgram(Method method) {
        Supplier<Hub> hub = () -> {
            throw new AssertionError("nothing is downloaded");
        };
        CalibrationOptions options = new CalibrationOptions();
        CalibrationSet.Source source = options.source(method, null, null, /* several */ false, hub);
        PruneJob.Run run = PruneJob.Run.onItsData(method.entry().method(), new TextSource.OnHub(hub),
                options.data().windows());
        assertThat(run.calibration()).isEqualTo(source);
    }

    @ParameterizedTest
    @EnumSource
    void everyOptionOfAMethodCanBeGiven(Method method) {
        assertThat(method.entry().optionNames()).isNotEmpty().allSatisfy(name -> {
            String option = "--" + name.replace('_', '-');
            assertThat(prune().findOption(option)).as(option).isNotNull();
            assertThat(method.has(option)).as(option).isTrue();
        });
    }

    @Test
    void theReferenceHasDefaultsOfItsOwn() {
        assertThat(method(Method.SLEB, "--compat", "reference").options()).isEqualTo(Sleb.Options.REFERENCE);
        assertThat(method(Method.TAYLOR, "--compat", "reference").options())
                .extracting(options -> ((Taylor.Options) options).taylorOrder())
                .isEqualTo(GradientOrder.NEVER_ZEROED);
        assertThat(method(Method.SHORTGPT, "--compat", "reference").reading()).isEqualTo(Reading.REFERENCE);
        assertThat(method(Method.MKA, "--compat", "reference").reading()).as("it has no such option")
                .isEqualTo(Reading.DEFINITION);
    }

    @Test
    void anOrderThatTheReferenceDoesNotHaveIsRefused() {
        assertThatThrownBy(() -> method(Method.TAYLOR, "--compat", "reference", "--taylor-order", "abs-first"))
                .isInstanceOf(UsageException.class).hasMessageContaining("--taylor-order is for --compat none");
    }

    @Test
    void theHelpTellsTheDefaultsThatDifferFromMethodToMethod() {
        Map<Integer, List<String>> bySamples = new LinkedHashMap<>(Methods.ALL.stream()
                .filter(entry -> entry.ownData().isPresent() && !entry.name().endsWith("+"))
                .filter(entry -> entry.data().samples() != Methods.COMMON_DATA.samples())
                .collect(Collectors.groupingBy(entry -> entry.data().samples(), LinkedHashMap::new,
                        Collectors.mapping(Entry::name, Collectors.toList()))));
        String samples = bySamples.entrySet().stream()
                .map(entry -> String.join(", ", entry.getValue()) + ": " + entry.getKey())
                .collect(Collectors.joining("; "));
        int common = Methods.COMMON_DATA.samples();
        assertThat(help("--nsamples"))
                .contains("(default: " + common + "; " + samples + "; several methods: " + common + ")");
        assertThat(help("--calibration-dataset")).contains("(default: " + Methods.COMMON_DATA.dataset()
                + "; shortgpt: " + Methods.SHORTGPT.data().dataset() + "; mka: " + Methods.MKA.data().dataset());
        assertThat(help("--num-tasks")).contains("" + Methods.MKA.data().tasks().orElseThrow());
        assertThat(help("--granularity")).contains("(default: " + ConcatMergeP.Options.DEFAULTS.granularity()
                + "; come_auto: " + ComeAuto.Options.DEFAULTS.granularity() + ")");
        assertThat(help("--merge-norms")).contains("(default: " + Choice.name(ConcatMerge.Options.DEFAULTS.mergeNorms())
                + "; come_auto: " + Choice.name(ComeAuto.Options.DEFAULTS.mergeNorms()) + "; seam_auto: "
                + Choice.name(SeamAuto.Options.DEFAULTS.mergeNorms()) + ")");
        assertThat(ConcatMergeP.Options.DEFAULTS.mergeNorms()).isEqualTo(ConcatMerge.Options.DEFAULTS.mergeNorms());
        assertThat(help("--barriers")).contains("(default: " + Sleb.Options.DEFAULTS.barriers())
                .contains("" + ComeAuto.Options.DEFAULTS.barriers());
    }
}
