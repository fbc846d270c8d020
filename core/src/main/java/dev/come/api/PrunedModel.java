package dev.come.api;

import dev.come.job.PruneJob;
import dev.come.prune.PruningPlan;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.OptionalDouble;
import java.util.SequencedMap;

/**
 * A model that was made smaller.
 *
 * @param folder where it lies: an ordinary model folder, with its record come.json
 * @param folders the models of all steps, if they were asked for; otherwise that folder alone
 * @param method the method by its name
 * @param layersBefore decoder layers of the dense model
 * @param layers decoder layers that are left
 * @param parametersBefore numbers in the weights of the dense model
 * @param parameters numbers in the weights that are left
 * @param tree the layers that are left, merged ones as nested lists of the original ones
 * @param steps what was done, in order
 * @param perplexity by the name of what was measured, on the dense model and on this one
 * @param calibrationLoss the loss on the calibration text in nats for each token, where several methods are compared
 * @param dtype the type that was computed in
 * @param choosing the time that it took to choose layers
 */
public record PrunedModel(Path folder, List<Path> folders, String method, int layersBefore, int layers,
        long parametersBefore, long parameters, String tree, List<Step> steps,
        SequencedMap<String, BeforeAndAfter> perplexity, OptionalDouble calibrationLoss, String dtype,
        Duration choosing) {
    /**
     * A number of two models.
     *
     * @param before of the dense one
     * @param after of the smaller one
     */
    public record BeforeAndAfter(double before, double after) {}

    static PrunedModel of(PruneJob.Result result) {
        PruningPlan plan = result.plan();
        int left = plan.last().size();
        String method = plan.settings().path("method").asString();
        SequencedMap<String, BeforeAndAfter> measured = new LinkedHashMap<>();
        plan.evaluations().stream().filter(after -> after.layers() == left).forEach(after -> plan.evaluations().stream()
                .filter(before -> before.layers() == plan.layers() && before.metric().equals(after.metric()))
                .forEach(before -> measured.put(after.metric(), new BeforeAndAfter(before.value(), after.value()))));
        return new PrunedModel(result.folders().getLast(), result.folders(), method, plan.layers(), left,
                result.denseParameters(), result.parameters(), plan.last().tree(),
                plan.steps().stream().map(step -> Step.of(method, step)).toList(), measured, result.calibrationLoss(),
                result.dtype(), result.choosing());
    }
}
