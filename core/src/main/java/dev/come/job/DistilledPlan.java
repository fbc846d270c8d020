package dev.come.job;

import dev.come.distill.Curve;
import dev.come.distill.Distillation;
import dev.come.evaluate.Perplexity;
import dev.come.prune.Measurement;
import dev.come.prune.PruningPlan;
import dev.come.prune.PruningStep;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.Function;
import tools.jackson.databind.node.ObjectNode;

/**
 * The plan of a model whose layers were trained, with the curves of training in its settings.
 *
 * @param prunedEvaluations what was measured on the model before
 */
record DistilledPlan(PruningPlan plan, List<Measurement> prunedEvaluations) {
    /**
     * Makes it.
     *
     * @param begun the plan with the settings of training, before it
     * @param measure gives for each text the perplexities of some stacks
     */
    static DistilledPlan of(PruningPlan begun, Distillation.Result trained,
            Function<List<LayerStack>, List<List<Perplexity>>> measure) {
        PruningStep step = PruningStep.train(begun.last(), trained.layers(), scores(trained));
        ObjectNode record = (ObjectNode) begun.settings().path(PruningPlan.DISTILLATION).deepCopy();
        ObjectNode curves = record.putObject("layers");
        trained.layerCurves().forEach((position, curve) -> curves.set("" + position, curve.toJson()));
        trained.modelCurve().ifPresent(curve -> record.set("model", curve.toJson()));

        List<Measurement> all = new ArrayList<>();
        List<Measurement> pruned = new ArrayList<>();
        int layers = step.stack().size();
        for (List<Perplexity> ofOneText : measure
                .apply(List.of(LayerStack.dense(begun.layers()), begun.last(), step.stack()))) {
            all.add(Measurements.of(begun.layers(), ofOneText.get(0)));
            pruned.add(Measurements.of(layers, ofOneText.get(1)));
            all.add(Measurements.of(layers, ofOneText.get(2)));
        }
        return new DistilledPlan(begun.with(List.of(step)).withSetting(PruningPlan.DISTILLATION, record)
                .withEvaluationsBefore(PruningPlan.DISTILLATION, pruned).withEvaluations(all), pruned);
    }

    /** By position: what was reached at the last level that the layer was trained at. */
    private static SequencedMap<String, List<Double>> scores(Distillation.Result trained) {
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        trained.modelCurve().ifPresent(curve -> scores.put("model_validation_loss", losses(curve)));
        trained.layerCurves().forEach((position, curve) -> scores.put("layer_" + position + "_validation_loss",
                losses(curve)));
        return scores;
    }

    private static List<Double> losses(Curve curve) {
        return List.of(curve.start().loss(), curve.best().loss());
    }
}
