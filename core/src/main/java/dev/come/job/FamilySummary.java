package dev.come.job;

import dev.come.model.Families;
import java.util.List;

/**
 * A family of models that can be computed.
 *
 * @param modelType how config.json calls it
 * @param transformersClass its class in transformers
 * @param checkedWith the models whose results were compared with those of transformers; the small ones have random weights
 */
public record FamilySummary(String modelType, String transformersClass, String checkedWith) {
    /** All of them. */
    public static List<FamilySummary> all() {
        return Families.ALL.stream().map(family -> new FamilySummary(family.modelType(), family.architecture(),
                String.join(", ", family.checkedBy()))).toList();
    }
}
