package dev.come.report;

import dev.come.checkpoint.RecordJson;
import dev.come.prune.PruningPlan;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a command made, for the program that called it ({@code --json}). By the rules of {@link RecordJson}:
 *
 * <pre>
 * field                      | type    | meaning, unit                                        | absent
 * ---------------------------|---------|------------------------------------------------------|------------------
 * format                     | string  | "come-result"                                        |
 * format_version             | integer | 1                                                    |
 * models[].folder            | string  | where it lies, with its come.json and its report     |
 * models[].dense_model       | string  | the model that it was made from                      |
 * models[].method            | string  | as --method has it                                   |
 * models[].dense_layers      | integer | decoder layers of that model                         |
 * models[].layers            | integer | decoder layers that are left                         |
 * models[].tree              | string  | these layers, merged ones as nested lists            |
 * models[].dense_parameters  | integer | numbers in the weights of the dense model            |
 * models[].parameters        | integer | numbers in the weights of the result                 |
 * models[].dtype             | string  | float32 or bfloat16, what the layers were chosen in  |
 * models[].measured[].stage  | string  | dense, pruned, healed or distilled                   |
 * models[].measured[].layers | integer | layers of what was measured                          |
 * models[].measured[].metric | string  | what was measured, in words                          |
 * models[].measured[].value  | number  | what it is                                           |
 * comparison.*               | any     | as in comparison.json, below its format              | one method
 * run.*                      | any     | as in run.json, below its format                     |
 * </pre>
 *
 * @param comparison of the methods, where there are several
 */
public record ResultJson(List<Made> models, Optional<Comparison> comparison, RunRecord run) {
    /**
     * A model that was made.
     *
     * @param parameters numbers in its weights, where they are known
     */
    public record Made(Path folder, PruningPlan plan, OptionalLong parameters) {}

    public ResultJson {
        models = List.copyOf(models);
    }

    /** The document. */
    public String text() {
        ObjectNode root = RecordJson.file("come-result", 1);
        ArrayNode list = root.putArray("models");
        models.forEach(made -> add(made, list.addObject()));
        comparison.ifPresent(several -> several.addTo(root.putObject("comparison")));
        run.addTo(root.putObject("run"));
        return RecordJson.text(root);
    }

    private static void add(Made made, ObjectNode entry) {
        PruningPlan plan = made.plan;
        entry.put("folder", made.folder.toString())
                .put("dense_model", plan.settings().path(PruningPlan.MODEL).path("name").asString(""))
                .put("method", plan.settings().path("method").asString("")).put("dense_layers", plan.layers())
                .put("layers", plan.last().size()).put("tree", plan.last().tree())
                .put("dense_parameters", plan.settings().path(PruningPlan.MODEL).path("parameters").asLong(0));
        made.parameters.ifPresent(count -> entry.put("parameters", count));
        entry.put("dtype", plan.settings().path("compute").path("dtype").asString(""));
        ArrayNode measured = entry.putArray("measured");
        Stage.measured(plan).forEach(one -> measured.addObject().put("stage", one.stage().word())
                .put("layers", one.layers()).put("metric", one.metric()).put("value", one.value()));
    }
}
