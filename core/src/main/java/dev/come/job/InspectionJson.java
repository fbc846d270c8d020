package dev.come.job;

import dev.come.checkpoint.RecordJson;
import dev.come.model.AttentionKind;
import java.util.Locale;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The JSON of {@code come inspect}, by the rules of {@link RecordJson}.
 *
 * <pre>
 * field                               | type     | meaning, unit                               | absent
 * ------------------------------------|----------|---------------------------------------------|------------------------------
 * format                              | string   | "come-inspect"                              |
 * format_version                      | integer  | 1                                           |
 * model                               | string   | where it lies                               |
 * model_type                          | string   | as in its config.json                       |
 * architectures                       | string[] | as in its config.json                       |
 * layers                              | integer  | decoder layers                              | the model cannot be computed
 * layer_parameters                    | integer  | numbers in a layer                          | as above
 * hidden_size                         | integer  | numbers in a hidden state                   | as above
 * intermediate_size                   | integer  | channels of the feed-forward half           | as above
 * heads                               | integer  | query heads                                 | as above
 * key_value_heads                     | integer  | heads of keys and values                    | as above
 * head_dim                            | integer  | numbers in a head                           | as above
 * vocabulary_size                     | integer  | rows of the embedding                       | as above
 * tied_embeddings                     | boolean  | whether the output projection is the embedding | as above
 * max_positions                       | integer  | tokens of a text at most                    | as above
 * parameters                          | integer  | numbers in all weights, tied ones once      |
 * parameters_by_part.PART             | integer  | embeddings, attention, feed_forward, norms, final_norm, output_projection | as above
 * weight_bytes                        | integer  | bytes of all tensors                        |
 * tensors_by_type.TYPE                | integer  | tensors of that type: float32, bfloat16, ... |
 * gguf.weight_bytes                   | integer  | bytes of all tensors in the file            | with gguf: no GGUF file
 * gguf.tensors_by_type.TYPE           | integer  | tensors of that type: q4_k, f16, ...        |
 * attention[].first_layer             | integer  | first of layers that attend alike           |
 * attention[].last_layer              | integer  | last of them                                |
 * attention[].window                  | integer  | tokens that they see                        | they see all before
 * attention[].rope_theta              | number   | base of rotary positions                    | they have none
 * tokenizer.vocabulary_size           | integer  | one more than the highest id                | with tokenizer: it cannot be read
 * tokenizer.begins_with_special_token | boolean  | whether one is put in front of every text   |
 * tokenizer.difference.text           | string   | a text that transformers 5 gives other ids  | with difference: none was found
 * tokenizer.difference.file           | integer[] | its ids by tokenizer.json                   |
 * tokenizer.difference.transformers5  | integer[] | its ids by transformers 5                  |
 * pruned.method                       | string   | as --method has it                          | with pruned: no come.json beside it
 * pruned.dense_model                  | string   | the model that it was made from             |
 * pruned.chosen_on                    | string   | the model that layers were chosen on        | it is that one
 * pruned.dense_layers                 | integer  | layers of that model                        |
 * pruned.tree                         | string   | its layers, merged ones as nested lists     |
 * pruned.removed                      | integer[] | original layers that are gone altogether     |
 * pruned.merged                       | string[] | layers that were made from several          |
 * pruned.refitted                     | string[] | layers that were refitted in closed form    |
 * pruned.distilled                    | string[] | layers that were trained by the dense model |
 * remarks                             | string[] | what else a user should know                |
 * problems                            | string[] | what keeps the model from being used        |
 * </pre>
 */
public final class InspectionJson {
    private InspectionJson() {
    }

    /** The text. */
    public static String text(Inspection inspection) {
        ObjectNode root = RecordJson.file("come-inspect", 1);
        root.put("model", inspection.model().toString()).put("model_type", inspection.modelType());
        inspection.architectures().forEach(root.putArray("architectures")::add);
        inspection.config().ifPresent(config -> root.put("layers", config.layers())
                .put("layer_parameters", config.layerParameters()).put("hidden_size", config.hiddenSize())
                .put("intermediate_size", config.intermediateSize()).put("heads", config.heads())
                .put("key_value_heads", config.keyValueHeads()).put("head_dim", config.headDim())
                .put("vocabulary_size", config.vocabularySize()).put("tied_embeddings", config.tiedEmbeddings())
                .put("max_positions", config.maxPositions()));
        root.put("parameters", inspection.parameters());
        ObjectNode parts = root.putObject("parameters_by_part");
        inspection.parametersByPart().forEach((part, count) -> parts.put(part.replaceAll("[ -]", "_"), count));
        root.put("weight_bytes", inspection.weightBytes());
        ObjectNode types = root.putObject("tensors_by_type");
        inspection.tensorsByType().forEach((type, count) -> types.put(type.label(), count));
        inspection.packed().ifPresent(packed -> {
            ObjectNode inFile = root.putObject("gguf").put("weight_bytes", packed.bytes()).putObject("tensors_by_type");
            packed.tensorsByType().forEach((type, count) -> inFile.put(type.toLowerCase(Locale.ROOT), count));
        });
        ArrayNode layers = root.putArray("attention");
        inspection.layers().forEach(range -> {
            ObjectNode node = layers.addObject().put("first_layer", range.first()).put("last_layer", range.last());
            if (range.attention().window() != AttentionKind.EVERYTHING) {
                node.put("window", range.attention().window());
            }
            range.attention().rotary().ifPresent(rotary -> node.put("rope_theta", rotary.theta()));
        });
        inspection.tokenizer().ifPresent(tokenizer -> {
            ObjectNode node = root.putObject("tokenizer").put("vocabulary_size", tokenizer.vocabularySize())
                    .put("begins_with_special_token", tokenizer.beginsWithSpecialToken());
            tokenizer.difference().ifPresent(other -> {
                ObjectNode difference = node.putObject("difference").put("text", other.text());
                other.file().forEach(difference.putArray("file")::add);
                other.transformers5().forEach(difference.putArray("transformers5")::add);
            });
        });
        inspection.making().ifPresent(making -> add(making, root.putObject("pruned")));
        inspection.remarks().forEach(root.putArray("remarks")::add);
        inspection.problems().forEach(root.putArray("problems")::add);
        return RecordJson.text(root);
    }

    private static void add(Making making, ObjectNode pruned) {
        pruned.put("method", making.method()).put("dense_model", making.denseModel());
        making.chosenOn().ifPresent(other -> pruned.put("chosen_on", other));
        pruned.put("dense_layers", making.denseLayers()).put("tree", making.tree());
        making.removed().forEach(pruned.putArray("removed")::add);
        making.merged().forEach(pruned.putArray("merged")::add);
        making.refitted().forEach(pruned.putArray("refitted")::add);
        making.distilled().forEach(pruned.putArray("distilled")::add);
    }
}
