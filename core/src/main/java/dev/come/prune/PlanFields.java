package dev.come.prune;

import dev.come.InvalidInputException;
import dev.come.checkpoint.CheckedFields;
import java.util.ArrayList;
import java.util.List;

/**
 * What the fields of come.json must be that say what a run depends on: the rows of the table of {@link PlanJson} above its
 * steps, with types and ranges.
 *
 * @param fields by their names
 */
record PlanFields(List<Field> fields) {
    private static final String CALIBRATION = "calibration";

    /** Refuses what a field cannot be. */
    private interface Check {
        /** @param whole whether nothing that belongs to it may be missing */
        void check(CheckedFields parent, String name, boolean whole);
    }

    /** @param optional whether it may be missing in a whole plan */
    private record Field(String name, boolean optional, Check check) {
        Field orAbsent() {
            return new Field(name, true, check);
        }
    }

    private static final PlanFields COMPUTE = new PlanFields(List.of(text("dtype"), text("device")));

    private static final PlanFields TEXT = new PlanFields(List.of(text("dataset"), text("split"), texts("sources"),
            count("rows_available"), count("rows_taken"), text("assembly"), count("characters"), count("tokens"),
            count("tokens_used"), count("sequences"), count("sequence_length"), count("passed_positions").orAbsent(),
            new Field("special_token_in_front", false, (parent, name, _) -> parent.flag(name)), sha256("fingerprint"),
            texts("notes")));

    private static final PlanFields BEFORE = new PlanFields(
            List.of(text("metric"), number("value"), number(Measurement.LOG_ERROR).orAbsent()));

    private static final PlanFields HEALING = new PlanFields(List.of(text("heal"), text("heal_scope"),
            text("heal_targets"), text("heal_weights").orAbsent(), integer("heal_passes").orAbsent(),
            text("heal_seam").orAbsent(),
            text(PruningPlan.TOKENIZER_COMPAT).orAbsent(), integer("seed").orAbsent(), object(CALIBRATION, TEXT),
            text("dtype"),
            objects(PruningPlan.EVALUATIONS_BEFORE, BEFORE).orAbsent()));

    private static final PlanFields OVERLAP = new PlanFields(List.of(text("test"), count("words"), count("runs"),
            count("found"), count("test_texts"), count("touched"), count("touching")));

    private static final PlanFields DISTILLATION = new PlanFields(List.of(text("tool"), anything("options"),
            text(PruningPlan.TOKENIZER_COMPAT).orAbsent(), objects("text", TEXT), count("training_tokens"),
            count("validation_tokens"), objects("overlap", OVERLAP).orAbsent(), object("compute", COMPUTE),
            anything("layers").orAbsent(), anything("model").orAbsent(),
            objects(PruningPlan.EVALUATIONS_BEFORE, BEFORE).orAbsent()));

    private static final PlanFields MODEL = new PlanFields(List.of(text("name"), text("model_type"),
            text(PruningPlan.LAYER_KINDS).orAbsent(), text("stored_dtype"), count("parameters"),
            sha256("fingerprint")));

    /** Those at the top of a plan for a model with so many layers. */
    static PlanFields ofPlan(int layers) {
        return new PlanFields(List.of(text("tool"), object(PruningPlan.MODEL, MODEL),
                object(PruningPlan.PLAN_MODEL, MODEL).orAbsent(), text("method"), anything("options"),
                new Field(PruningPlan.TARGET_LAYERS, false, (parent, name, _) -> parent.integer(name, 1, layers)),
                new Field(PruningPlan.KEEP_PATTERN, true, (parent, name, _) -> parent.flag(name)),
                text(PruningPlan.TOKENIZER_COMPAT).orAbsent(), integer("seed").orAbsent(),
                object(CALIBRATION, TEXT).orAbsent(), object("compute", COMPUTE),
                object(PruningPlan.HEALING, HEALING).orAbsent(),
                object(PruningPlan.DISTILLATION, DISTILLATION).orAbsent(),
                anything(PruningPlan.RECOVERY).orAbsent()));
    }

    /**
     * Checks the fields.
     *
     * @param whole whether a field may not be missing but where the table says so
     * @param others names of fields that are checked elsewhere
     * @throws InvalidInputException if one is not as it must be, or is no field of a plan
     */
    void check(CheckedFields parent, boolean whole, List<String> others) {
        List<String> names = new ArrayList<>(others);
        for (Field field : fields) {
            names.add(field.name);
            if (parent.has(field.name) || (whole && !field.optional)) {
                field.check.check(parent, field.name, whole);
            }
        }
        parent.requireOnly(names);
    }

    private static Field text(String name) {
        return new Field(name, false, (parent, key, _) -> parent.text(key));
    }

    private static Field texts(String name) {
        return new Field(name, false, (parent, key, _) -> parent.texts(key));
    }

    private static Field sha256(String name) {
        return new Field(name, false, (parent, key, _) -> parent.sha256(key));
    }

    private static Field number(String name) {
        return new Field(name, false, (parent, key, _) -> parent.number(key, -Double.MAX_VALUE, Double.MAX_VALUE));
    }

    private static Field count(String name) {
        return new Field(name, false, (parent, key, _) -> parent.integer(key, 0, Long.MAX_VALUE));
    }

    private static Field integer(String name) {
        return new Field(name, false, (parent, key, _) -> parent.integer(key, Long.MIN_VALUE, Long.MAX_VALUE));
    }

    private static Field object(String name, PlanFields part) {
        return new Field(name, false, (parent, key, whole) -> part.check(parent.object(key), whole, List.of()));
    }

    private static Field objects(String name, PlanFields part) {
        return new Field(name, false,
                (parent, key, whole) -> parent.objects(key).forEach(one -> part.check(one, whole, List.of())));
    }

    /** An object that has fields of its own, which are all numbers that can be written again. */
    private static Field anything(String name) {
        return new Field(name, false, (parent, key, _) -> parent.object(key).requireFinite());
    }
}
