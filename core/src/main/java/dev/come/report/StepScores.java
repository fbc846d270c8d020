package dev.come.report;

import dev.come.prune.PruningPlan;
import dev.come.prune.PruningStep;
import dev.come.prune.PruningStep.Action;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.DoubleStream;

/**
 * What a step of a method was decided by.
 *
 * @param number of the step, from 1
 * @param name of the score that decided; empty if none did
 * @param byPosition that score by position in the stack before the step, infinite where it was not measured
 */
record StepScores(int number, PruningStep step, LayerStack before, String name, List<Double> byPosition) {
    private static final String CANDIDATES = "candidate_loss";

    /** The steps that chose something to merge or remove. */
    static List<StepScores> of(PruningPlan plan) {
        List<StepScores> all = new ArrayList<>();
        List<LayerStack> history = plan.history();
        for (int i = 0; i < plan.steps().size(); i++) {
            PruningStep step = plan.steps().get(i);
            if (step.action() != Action.TRAIN) {
                all.add(of(i + 1, step, history.get(i)));
            }
        }
        return all;
    }

    private static StepScores of(int number, PruningStep step, LayerStack before) {
        if (step.scores().containsKey(CANDIDATES)) {
            return new StepScores(number, step, before, CANDIDATES, leastByPosition(step, before.size()));
        }
        return step.scores().entrySet().stream().findFirst().filter(entry -> entry.getValue().size() <= before.size())
                .map(entry -> new StepScores(number, step, before, entry.getKey(), entry.getValue()))
                .orElse(new StepScores(number, step, before, "", List.of()));
    }

    /** Of the candidates at each position the least loss. */
    private static List<Double> leastByPosition(PruningStep step, int size) {
        List<Double> least = new ArrayList<>(Collections.nCopies(size, Double.POSITIVE_INFINITY));
        List<Double> positions = step.scores().get("candidate_position");
        List<Double> losses = step.scores().get(CANDIDATES);
        if (positions == null || losses == null) {
            return least;
        }
        for (int i = 0; i < Math.min(positions.size(), losses.size()); i++) {
            int position = positions.get(i).intValue();
            if (position >= 0 && position < size) {
                least.set(position, Math.min(least.get(position), losses.get(i)));
            }
        }
        return least;
    }

    /** The losses of the best and the second best choice; none where the method does not measure losses. */
    List<OptionalDouble> bestLosses() {
        for (Map.Entry<String, List<Double>> score : step.scores().entrySet()) {
            boolean losses = List.of("loss", "loss_by_ratio", CANDIDATES, "loss_without").contains(score.getKey());
            if (losses) {
                double[] sorted = score.getValue().stream().mapToDouble(x -> x).filter(Double::isFinite).sorted()
                        .toArray();
                return List.of(at(sorted, 0), at(sorted, 1));
            }
        }
        return List.of(OptionalDouble.empty(), OptionalDouble.empty());
    }

    private static OptionalDouble at(double[] sorted, int index) {
        return DoubleStream.of(sorted).skip(index).findFirst();
    }

    /** The name of the score in words. */
    String words() {
        return name.replace("candidate_", "").replace('_', ' ');
    }
}
