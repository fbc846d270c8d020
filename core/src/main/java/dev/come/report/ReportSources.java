package dev.come.report;

import dev.come.prune.PruningPlan;
import dev.come.report.Stage.Measured;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** The results that a page shows, in the order in which they were named. */
public record ReportSources(List<Pruned> pruned, List<EvalFile> evaluations, List<LatencyFile> latencies,
        List<Compared> comparisons) {
    public ReportSources {
        pruned = List.copyOf(pruned);
        evaluations = List.copyOf(evaluations);
        latencies = List.copyOf(latencies);
        comparisons = List.copyOf(comparisons);
    }

    /**
     * A pruned model.
     *
     * @param place its folder, as the user names it
     * @param parameters numbers in its weights, where they are known
     */
    public record Pruned(Path place, PruningPlan plan, Optional<RunRecord> run, OptionalLong parameters) {}

    /** What a pruned model is called: the name of its folder, or the whole path where others have the same name. */
    String nameOf(Pruned one) {
        String name = String.valueOf(one.place.getFileName());
        boolean alone = pruned.stream().filter(other -> name.equals(String.valueOf(other.place.getFileName())))
                .count() == 1;
        return alone ? name : one.place.toString();
    }

    /** Several methods side by side. */
    public record Compared(Comparison comparison, Optional<RunRecord> run) {}

    /** The pruned model that the page is about: the one that was named last. */
    Optional<Pruned> lastPruned() {
        return pruned.isEmpty() ? Optional.empty() : Optional.of(pruned.getLast());
    }

    /** The pruned models without those of which another one is a further stage: their steps are the same. */
    List<Pruned> plansOnce() {
        return pruned.stream()
                .filter(one -> pruned.stream()
                        .noneMatch(other -> other.plan().steps().size() > one.plan().steps().size()
                                && other.plan().steps().subList(0, one.plan().steps().size())
                                        .equals(one.plan().steps())))
                .toList();
    }

    /** What was measured on the models of one family of stages: the last one, and those that it was made from. */
    List<Measured> measured() {
        return pruned.stream().flatMap(one -> Stage.measured(one.plan()).stream()).distinct().toList();
    }

    /** Whether there is nothing to show. */
    public boolean isEmpty() {
        return pruned.isEmpty() && evaluations.isEmpty() && latencies.isEmpty() && comparisons.isEmpty();
    }
}
