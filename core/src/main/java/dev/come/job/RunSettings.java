package dev.come.job;

import dev.come.Version;
import dev.come.checkpoint.RecordJson;
import dev.come.distill.DistillationOptions;
import dev.come.heal.Healing;
import dev.come.hub.Hub;
import dev.come.model.Compute;
import dev.come.prune.PruningMethod;
import dev.come.prune.PruningPlan;
import dev.come.text.CalibrationSet;
import dev.come.text.TextFacts;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The settings that what comes out of a run depends on, as its plan records them. An interrupted run is gone on with if these
 * are equal.
 */
final class RunSettings {
    /** What a record of healing or training holds besides settings. */
    private static final List<String> RESULTS = List.of("layers", "model", PruningPlan.EVALUATIONS_BEFORE);

    private RunSettings() {
    }

    /**
     * Those of a method on a model.
     *
     * @param calibration what it is measured on; nothing if it takes no tokens
     * @param healing what {@link #ofHealing} gives, if what is left is healed
     */
    static ObjectNode ofPruning(OpenModel model, PruningMethod method, int targetLayers, Compute compute,
            Optional<Tokens> calibration, Optional<ObjectNode> healing) {
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        settings.put("tool", Version.NAME);
        settings.set("model", ofModel(model));
        settings.put("method", method.name());
        settings.set("options", RecordJson.tree(method.options()));
        settings.put(PruningPlan.TARGET_LAYERS, targetLayers);
        model.addTokenizer(settings);
        calibration.ifPresent(tokens -> tokens.addTo(settings));
        addCompute(settings, compute);
        healing.ifPresent(value -> settings.set(PruningPlan.HEALING, value));
        return settings;
    }

    /** What a run records of its dense model. */
    static ObjectNode ofModel(OpenModel model) {
        ObjectNode about = JsonNodeFactory.instance.objectNode();
        Path folder = model.checkpoint().folder();
        about.put("name", Hub.nameOf(folder).orElseGet(() -> String.valueOf(folder.getFileName())));
        about.put("model_type", model.config().family().modelType());
        if (!model.config().layerKinds().isEmpty()) {
            about.put(PruningPlan.LAYER_KINDS, model.config().layerKinds());
        }
        about.put("stored_dtype", model.config().storedType(model.checkpoint()).label());
        about.put("parameters", model.config().parameters(model.config().layers()));
        about.put("fingerprint", model.checkpoint().fingerprint());
        return about;
    }

    /**
     * Tokens that a run depends on.
     *
     * @param source what they were taken from
     */
    record Tokens(CalibrationSet.Source source, CalibrationSet set) {
        private void addTo(ObjectNode settings) {
            source.sampledBy().ifPresent(seed -> settings.put("seed", seed));
            settings.set("calibration", RecordJson.tree(set.facts()));
        }
    }

    /** Those of healing in closed form, whether or not it then changed a layer. */
    static ObjectNode ofHealing(OpenModel model, Healing.Options options, Tokens tokens, Compute compute) {
        ObjectNode settings = JsonNodeFactory.instance.objectNode().put("heal", "ridge");
        settings.setAll(RecordJson.tree(options));
        model.addTokenizer(settings);
        tokens.addTo(settings);
        settings.put("dtype", compute.dtypeName());
        return settings;
    }

    /**
     * Those of training.
     *
     * @param trainingTokens how many are trained on
     * @param validationTokens how many are not
     */
    static ObjectNode ofDistillation(OpenModel model, DistillationOptions options, List<TextFacts> texts,
            long trainingTokens, long validationTokens, Compute compute) {
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        settings.put("tool", Version.NAME);
        settings.set("options", RecordJson.tree(options));
        model.addTokenizer(settings);
        settings.set("text", RecordJson.trees(texts));
        settings.put("training_tokens", trainingTokens);
        settings.put("validation_tokens", validationTokens);
        addCompute(settings, compute);
        return settings;
    }

    private static void addCompute(ObjectNode settings, Compute compute) {
        settings.putObject("compute").put("dtype", compute.dtypeName()).put("device", compute.device());
    }

    /**
     * What keeps a run from going on with an interrupted one: settings as {@code key: there / now}, and another model to begin
     * with.
     *
     * @param interrupted the plan as the interrupted run has left it, perhaps with more steps and results than it began with
     * @param fresh the plan as a run with the settings of now begins
     */
    static List<String> differences(PruningPlan interrupted, PruningPlan fresh) {
        PruningPlan begun = new PruningPlan(interrupted.settings().deepCopy(), interrupted.layers(),
                interrupted.steps(), List.of());
        for (String key : List.of(PruningPlan.HEALING, PruningPlan.DISTILLATION)) {
            JsonNode now = fresh.settings().path(key);
            if (begun.settings().path(key) instanceof ObjectNode record) {
                record.remove(RESULTS.stream().filter(result -> !now.has(result)).toList());
            }
        }
        List<String> differences = new ArrayList<>(begun.differences(fresh.settings()));
        int before = fresh.steps().size();
        if (begun.steps().size() < before || !begun.steps().subList(0, before).equals(fresh.steps())) {
            differences.add("it began with another pruned model");
        }
        return differences;
    }
}
