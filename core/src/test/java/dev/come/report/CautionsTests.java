package dev.come.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.prune.Measurement;
import dev.come.prune.PruningPlan;
import dev.come.report.Report.Level;
import dev.come.report.Report.Remark;
import dev.come.report.ReportSources.Pruned;
import dev.come.report.RunRecord.Host;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class CautionsTests {
    private static final JsonMapper JSON = new JsonMapper();

    private static List<Remark> of(String settings, List<Measurement> measured, Optional<Host> host) {
        PruningPlan plan = new PruningPlan((ObjectNode) JSON.readTree(settings), 4, List.of(), measured);
        Optional<RunRecord> run = host.map(where -> new RunRecord("tool", List.of(), where, OptionalLong.empty(), 1,
                OptionalLong.empty(), List.of()));
        return new Cautions(new ReportSources(List.of(new Pruned(Path.of("out"), plan, run, OptionalLong.empty())),
                List.of(), List.of(), List.of())).remarks();
    }

    @Test
    void aSoundResultHasNone() {
        assertThat(of("{\"calibration\": {\"dataset\": \"wiki2\", \"split\": \"train\", \"sequences\": 9}}",
                List.of(new Measurement(4, "wiki2 (test) perplexity per token, first 8 windows of 2048 tokens", 20,
                        OptionalDouble.empty())),
                Optional.of(new Host("Linux", "25", "AVX512", 2, OptionalDouble.of(0.02), OptionalDouble.of(0)))))
                .isEmpty();
    }

    @Test
    void windowsBeyondThePositionsAreTheFirstThingToKnow() {
        List<Remark> remarks = of(
                "{\"calibration\": {\"dataset\": \"wiki2\", \"split\": \"validation\", \"sequences\": 2,"
                        + " \"sequence_length\": 4096, \"passed_positions\": 2048}}",
                List.of(), Optional.empty());
        assertThat(remarks.getFirst()).isEqualTo(new Remark(Level.RED,
                "Windows of wiki2 (4096 tokens) are longer than the 2048 positions that the model was made for."));
        assertThat(remarks).extracting(Remark::text).contains("Calibrated on the validation split of wiki2.",
                "Layers were chosen on 2 windows of wiki2: other text may choose others.");
    }

    @Test
    void fewWindowsAndABusyMachineAreTold() {
        List<Remark> remarks = of("{}",
                List.of(new Measurement(4, "p, first 1 windows of 32 tokens", 20, OptionalDouble.empty())),
                Optional.of(new Host("Linux", "25", "AVX512", 2, OptionalDouble.of(0.4), OptionalDouble.of(0.01))));
        assertThat(remarks).extracting(Remark::text).containsExactly(
                "Perplexity comes from one window only: p, first 1 windows of 32 tokens.",
                "Other programs took 40 % of the processors' time meanwhile, so times are not to be trusted.");
    }

    @Test
    void aMachineWithRoomForAllIsNotBusy() {
        assertThat(new Host("Linux", "25", "AVX512", 8, OptionalDouble.of(0.4), OptionalDouble.of(0.3)).caution())
                .isEmpty();
        assertThat(new Host("Windows", "25", "AVX2", 8, OptionalDouble.empty(), OptionalDouble.empty()).caution())
                .isEmpty();
    }

    @Test
    void aSpeedUpThatSomeRunsContradictIsTold() {
        LatencyFile file = new LatencyFile("tool", "float32", "cpu", 1, 16, 0, 1e9, OptionalLong.empty(),
                OptionalDouble.empty(), OptionalDouble.empty(),
                List.of(timed("dense", 2.0, 1.0, 2.0), timed("small", 1.0, 1.25, 1.0)));
        assertThat(new Cautions(new ReportSources(List.of(), List.of(), List.of(file), List.of())).remarks())
                .singleElement()
                .extracting(Remark::text).asString().contains("2.00× (0.80 to 2.00)", "within the error");
    }

    @Test
    void timesOfABusyMachineAreTold() {
        LatencyFile file = new LatencyFile("tool", "float32", "cpu", 1, 16, 0, 1e9, OptionalLong.empty(),
                OptionalDouble.of(0.5), OptionalDouble.of(0.02), List.of(timed("dense", 2.0)));
        assertThat(new Cautions(new ReportSources(List.of(), List.of(), List.of(file), List.of())).remarks())
                .containsExactly(new Remark(Level.AMBER,
                        "Other programs took 50 % of the processors' time meanwhile, so times are not to be trusted."));
    }

    private static LatencyFile.Timed timed(String name, Double... seconds) {
        return new LatencyFile.Timed(name, 2, 10, 40, 8, List.of(seconds), List.of());
    }

    @Test
    void timesAreReadAsTheyWereWritten() {
        LatencyFile file = new LatencyFile("tool", "float32", "cpu", 1, 16, 0, 1e9, OptionalLong.of(7),
                OptionalDouble.of(0.5), OptionalDouble.of(0.02),
                List.of(timed("dense", 2.0, 0.1 + 0.2)));
        assertThat(LatencyFile.of(JSON.readTree(file.toJson()))).isEqualTo(file);
    }
}
