package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.Progress;
import dev.come.calibration.Cluster;
import dev.come.job.ProcessorTimes.Shares;
import dev.come.report.RunRecord;
import dev.come.report.RunRecord.Stage;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RunWatchTests {
    @Test
    void piecesOfTheSameKindCountTogether() {
        List<String> seen = new ArrayList<>();
        RunWatch watch = new RunWatch(new Progress() {
            @Override
            public Task begin(String what, long total, String unit) {
                seen.add(what);
                return steps -> {
                };
            }

            @Override
            public void note(String line) {
                seen.add(line);
            }
        });
        for (String what : List.of("step 1 of 2: measuring 9 layers", "step 2 of 2: measuring 8 layers",
                "sleb, step 1 of 2: loss of 8 stacks", "sleb, step 2 of 2: loss of 7 stacks", "saving out")) {
            watch.begin(what, 1, "windows").close();
        }
        watch.note("a note");
        assertThat(seen).hasSize(6).contains("step 2 of 2: measuring 8 layers", "a note");
        RunRecord record = watch.record(List.of("prune"));
        assertThat(record.stages()).extracting(Stage::name).containsExactly("measuring layers", "sleb, loss of stacks",
                "saving out");
        assertThat(record.command()).containsExactly("prune");
        assertThat(record.seconds()).isGreaterThanOrEqualTo(record.stages().stream().mapToDouble(Stage::seconds).sum());
    }

    /** Executors of a cluster may run on this machine, and are no other programs then. */
    @Test
    void onAClusterNobodyCountsAsOthers() {
        RunWatch watch = new RunWatch(Progress.NONE);
        watch.begin("measuring 9 layers", 1, "windows").close();
        watch.begin(Cluster.CONNECTING + "spark://host:7077", 1, "clusters").close();
        assertThat(watch.record(List.of("prune")).machine().others()).isEmpty();
    }

    @Test
    void whatOthersTookIsAllThatWasBusyLessOnesOwn() {
        // user nice system idle waiting irq softirq stolen guest, in hundredths of a second; a guest counts as a user too
        ProcessorTimes before = ProcessorTimes.of("cpu  1000 0 500 8000 500 0 0 0 0 0", 3);
        ProcessorTimes after = ProcessorTimes.of("cpu  1500 100 600 8200 600 0 0 0 400 0", 5);
        Shares shares = after.since(before);
        // 7 s busy, 3 s idle; 2 s of the busy ones were ours.
        assertThat(shares.idle().orElseThrow()).isCloseTo(0.3, within(1e-12));
        assertThat(shares.others().orElseThrow()).isCloseTo(0.5, within(1e-12));
    }

    @Test
    void aSystemThatDoesNotTellGivesNothing() {
        ProcessorTimes unknown = ProcessorTimes.of("", 1);
        assertThat(unknown.since(unknown).others()).isEmpty();
        assertThat(unknown.since(unknown).idle()).isEmpty();
    }
}
