package dev.come.prune;

import dev.come.InvalidInputException;
import dev.come.checkpoint.CheckedFields;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.RecordJson;
import dev.come.checkpoint.RecordNames;
import dev.come.checkpoint.Shown;
import dev.come.stack.StackJson;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * come.json, the file of a {@link PruningPlan}. {@link RecordJson} has the rules of its names and numbers. A list is written
 * as the type of its values with {@code []}; a field without a last column is always there.
 *
 * <pre>
 * field                        | type     | meaning, unit                                       | absent
 * -----------------------------|----------|-----------------------------------------------------|---------------------------
 * format                       | string   | "come-plan"                                         |
 * format_version               | integer  | 2; version 1 has other names, and is read           |
 * layers                       | integer  | decoder layers of the dense model                   |
 * tool                         | string   | name and version of the program                     |
 * model.name                   | string   | folder of the dense model, or its name on the hub   |
 * model.model_type             | string   | as in its config.json                               |
 * model.layer_kinds            | string   | a letter for each layer: s, m see a window; f, n all tokens; m, n no positions | all are of one kind
 * model.stored_dtype           | string   | type of its weights                                 |
 * model.parameters             | integer  | numbers in its weights                              |
 * model.fingerprint            | string   | SHA-256 over its configuration and weights          |
 * plan_model.*                 | any      | as model above, for the one that layers were chosen on | it is that one
 * method                       | string   | as --method has it                                  |
 * options.*                    | any      | one field for each option of the method             |
 * target_layers                | integer  | layers that are to be left                          |
 * keep_pattern                 | boolean  | whether only edits were allowed that keep the pattern of layer kinds | not asked for
 * tokenizer_compat             | string   | transformers5: whose ids texts became               | those of tokenizer.json
 * seed                         | integer  | decides which rows are taken                        | no data; data not sampled
 * calibration.dataset          | string   | name of the corpus, or its path as it was given     | with calibration: no data
 * calibration.split            | string   | train, validation, test, or all                     |
 * calibration.sources          | string[] | its files                                           |
 * calibration.rows_available   | integer  | rows in these files                                 |
 * calibration.rows_taken       | integer  | rows whose text was encoded                         |
 * calibration.assembly         | string   | how rows became sequences, in words                 |
 * calibration.characters       | integer  | Unicode characters in that text                     |
 * calibration.tokens           | integer  | tokens in that text                                 |
 * calibration.tokens_used      | integer  | tokens in the sequences                             |
 * calibration.sequences        | integer  | sequences                                           |
 * calibration.sequence_length  | integer  | tokens in a sequence at most                        |
 * calibration.passed_positions | integer  | positions of the model, where sequences may be longer | they may not
 * calibration.special_token_in_front | boolean | whether the tokenizer puts one before a text   |
 * calibration.fingerprint      | string   | SHA-256 over the tokens                             |
 * calibration.notes            | string[] | what the user was told                              |
 * compute.dtype                | string   | float32 or bfloat16                                 |
 * compute.device               | string   | cpu, cuda, cuda:1, ...                              |
 * healing.heal                 | string   | "ridge"                                             | with healing: not asked for
 * healing.heal_scope           | string   | all or cut                                          |
 * healing.heal_targets         | string   | down, down_and_output or all                        |
 * healing.heal_weights         | string   | uniform or loss                                     | norm
 * healing.heal_passes          | integer  | how often all layers are fitted, at the most        | once
 * healing.heal_seam            | string   | pair: layers beside a gap are fitted twice          | once
 * healing.tokenizer_compat     | string   | as above                                            | those of tokenizer.json
 * healing.seed                 | integer  | as seed above                                       | data not sampled
 * healing.calibration.*        | any      | as calibration above                                |
 * healing.dtype                | string   | as compute.dtype                                    |
 * healing.evaluations_before[].* | any    | metric, value, log_stderr of the pruned model      | nothing was measured
 * distillation.tool            | string   | name and version of the program                     | with distillation: not trained
 * distillation.options.*       | any      | one field for each component of the options         |
 * distillation.tokenizer_compat | string  | as above                                            | those of tokenizer.json
 * distillation.text[].*        | any      | as calibration above, one for each text             |
 * distillation.training_tokens | integer  | tokens that there were to train on                  |
 * distillation.validation_tokens | integer | tokens that nothing was trained on                 |
 * distillation.overlap[].*     | any      | test, words, runs, found, ...: runs of words that a test text shares with what was trained on | nothing was measured
 * distillation.compute.*       | string   | as compute above                                    |
 * distillation.layers.N.*      | any      | curve of the layer at position N, see Curve         |
 * distillation.model.*         | any      | curve of the whole model, see Curve                 | not trained as a whole
 * distillation.evaluations_before[].* | any | metric, value, log_stderr of the model before     | nothing was measured
 * recovery.*                   | any      | recipe, healing_tokens, training_window, and the options of both stages | no recipe
 * steps[].layers               | integer  | layers after the step                               |
 * steps[].tree                 | string   | these layers, merged ones as nested lists           |
 * steps[].stack                | any[]    | these layers: numbers, and names from nodes         |
 * steps[].action               | string   | merge, remove or train                              |
 * steps[].position             | integer  | first of its layers in the stack before             |
 * steps[].count                | integer  | how many layers it is about                         |
 * steps[].ratio                | number[] | share of each merged layer; empty without shares    |
 * steps[].scores.*             | number[] | scores it was decided by, null: forbidden or not measured, "-Infinity": log of 0 |
 * evaluations[].layers         | integer  | which stack of the history: that with so many layers |
 * evaluations[].metric         | string   | what was measured, in words                         |
 * evaluations[].value          | number   | what it is                                          |
 * evaluations[].log_stderr     | number   | standard error of its logarithm, from the windows   | one window
 * warnings                     | string[] | what whoever runs the model should know             | nothing
 * nodes.*                      | object   | recipes of merged and trained layers, see StackJson |
 * </pre>
 */
final class PlanJson {
    private static final String FORMAT = "come-plan";
    private static final int VERSION = 2;

    /** The fields that are not settings of the run. */
    private static final List<String> OWN_FIELDS = List.of("format", "format_version", "layers", "steps", "evaluations",
            "warnings", "nodes");

    private PlanJson() {
    }

    /** @throws dev.come.FailedException if a score is NaN, or what was measured on a stack is not finite */
    static String text(PruningPlan plan) {
        ObjectNode root = RecordJson.file(FORMAT, VERSION).put("layers", plan.layers());
        root.setAll(plan.settings());
        StackJson.Writer stacks = new StackJson.Writer();
        ArrayNode history = JsonNodeFactory.instance.arrayNode();
        for (PruningStep step : plan.steps()) {
            ObjectNode entry = history.addObject();
            entry.put("layers", step.stack().size());
            entry.put("tree", step.stack().tree());
            entry.set("stack", stacks.stack(step.stack()));
            entry.put("action", RecordNames.name(step.action()));
            entry.put("position", step.position());
            entry.put("count", step.count());
            step.ratio().forEach(entry.putArray("ratio")::add);
            ObjectNode scores = entry.putObject("scores");
            step.scores().forEach((name, values) -> {
                ArrayNode array = scores.putArray(name);
                values.forEach(value -> array.add(RecordJson.score(value,
                        "the score " + name + " of the step to " + step.stack().size() + " layers")));
            });
        }
        root.set("steps", history);
        ArrayNode measured = root.putArray("evaluations");
        for (Measurement evaluation : plan.evaluations()) {
            measured.addObject().put("layers", evaluation.layers()).setAll(evaluation.toJson());
        }
        if (!plan.warnings().isEmpty()) {
            plan.warnings().forEach(root.putArray("warnings")::add);
        }
        root.set("nodes", stacks.nodes());
        return RecordJson.text(root);
    }

    /**
     * Reads a plan of this form or of version 1. Its settings may be those of a part of a run, which {@link #requireWhole} does
     * not let pass.
     *
     * @param file what messages call it
     * @throws InvalidInputException if it is not a plan, or damaged
     */
    static PruningPlan read(JsonNode json, Path file) {
        ObjectNode root = ofThisVersion(json, file);
        CheckedFields plan = new CheckedFields(file.toString(), "", root);
        int layers = (int) plan.integer("layers", 1, Limits.LAYERS);
        StackJson.Reader stacks = new StackJson.Reader(plan.object("nodes"), layers);
        PlanSteps steps = new PlanSteps(layers, stacks, plan.text("format").equals(FORMAT));
        List<CheckedFields> entries = plan.objects("steps");
        Limits.check(file, "the number of steps", entries.size(), Limits.PLAN_STEPS);
        entries.forEach(steps::add);
        List<Measurement> evaluations = plan.objects("evaluations").stream().map(steps::evaluation).toList();
        PlanFields.ofPlan(layers).check(plan, false, OWN_FIELDS);
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        root.properties().stream().filter(field -> !OWN_FIELDS.contains(field.getKey()))
                .forEach(field -> settings.set(field.getKey(), field.getValue()));
        return new PruningPlan(settings, layers, steps.all(), evaluations);
    }

    /**
     * Checks that a plan tells of everything that a run depends on.
     *
     * @param file what messages call it
     * @throws InvalidInputException if something is missing
     */
    static void requireWhole(PruningPlan plan, Path file) {
        PlanFields.ofPlan(plan.layers()).check(new CheckedFields(file.toString(), "", plan.settings()), true,
                List.of());
    }

    private static ObjectNode ofThisVersion(JsonNode json, Path file) {
        if (json instanceof ObjectNode root && root.path("format").asString().equals(FirstPlanJson.FORMAT)) {
            return FirstPlanJson.renamed(root);
        }
        if (!(json instanceof ObjectNode root) || !root.path("format").asString().equals(FORMAT)) {
            throw new InvalidInputException(file + " is not a plan: its \"format\" is " + Shown.of(json.path("format"))
                    + ", expected \"" + FORMAT + "\"; give the come.json of a pruned model");
        }
        if (root.path("format_version").asInt(0) != VERSION) {
            throw new InvalidInputException(file + " is a plan of another version: its \"format_version\" is "
                    + Shown.of(root.path("format_version")) + ", expected at most " + VERSION
                    + "; read it with the version of this program that wrote it");
        }
        return root;
    }
}
