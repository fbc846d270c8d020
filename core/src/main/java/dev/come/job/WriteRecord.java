package dev.come.job;

import dev.come.Version;
import dev.come.checkpoint.RecordJson;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a text that a model wrote was made of: the file {@code NAME.write.json} beside {@code NAME.jsonl}. As JSON, by the rules
 * of {@link RecordJson}:
 *
 * <pre>
 * field                           | type     | meaning, unit                                               | absent
 * --------------------------------|----------|-------------------------------------------------------------|------------------
 * format                          | string   | "come-write"                                                |
 * format_version                  | integer  | 1                                                           |
 * tool                            | string   | name and version of the program                             |
 * teacher.*                       | any      | the model that wrote, as `model` of come.json               |
 * tokenizer_compat                | string   | "transformers5": texts got the ids of its AutoTokenizer     | the ids are the file's
 * prompts.dataset                 | string   | the corpus or file, as it was given                         |
 * prompts.sources                 | string[] | its files                                                   |
 * prompts.rows                    | integer  | rows that it has                                            |
 * prompts.taken                   | integer  | prompts that were made of them                              |
 * prompts.tokens                  | integer  | tokens of these                                             |
 * prompts.chat_template           | boolean  | whether prompts are messages, rendered by the chat template |
 * prompts.fingerprint             | string   | SHA-256 of their tokens                                     |
 * tokens                          | integer  | tokens that were asked for                                  |
 * sampling.max_new_tokens         | integer  | most tokens of a text                                       |
 * sampling.temperature            | number   | 0: always the likeliest token                               |
 * sampling.top_k                  | integer  | drawn among so many; 0: all                                 |
 * sampling.top_p                  | number   | drawn among the likeliest with this probability together    |
 * sampling.seed                   | integer  | decides what is drawn                                       |
 * side_by_side                    | integer  | texts that were written at once                             |
 * dtype                           | string   | float32 or bfloat16                                         |
 * written.texts                   | integer  | texts in the file                                           |
 * written.tokens                  | integer  | tokens that were written for them                           |
 * written.ended                   | integer  | texts that came to an end by themselves                     |
 * </pre>
 */
final class WriteRecord {
    private WriteRecord() {
    }

    /** What the bytes of the text depend on. */
    static ObjectNode settings(WriteJob.Options options, OpenModel model, TeacherPrompts prompts, int batch) {
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        settings.put("tool", Version.NAME);
        settings.set("teacher", RunSettings.ofModel(model));
        model.addTokenizer(settings);
        ObjectNode about = settings.putObject("prompts");
        about.put("dataset", options.prompts().dataset());
        prompts.prompts().sources().forEach(about.putArray("sources")::add);
        about.put("rows", prompts.prompts().available());
        about.put("taken", prompts.count());
        about.put("tokens", prompts.tokens().tokenCount());
        about.put("chat_template", prompts.template().isPresent());
        about.put("fingerprint", prompts.tokens().fingerprint());
        settings.put("tokens", options.tokens());
        settings.set("sampling", RecordJson.tree(options.sampling()));
        settings.put("side_by_side", batch);
        settings.put("dtype", model.compute(options.compute()).dtypeName());
        return settings;
    }

    /** The text of the file. */
    static String text(ObjectNode settings, WrittenTexts.Sums sums) {
        ObjectNode root = RecordJson.file("come-write", 1);
        settings.properties().forEach(one -> root.set(one.getKey(), one.getValue()));
        root.putObject("written").put("texts", sums.texts()).put(WrittenTexts.TOKENS, sums.tokens())
                .put(WrittenTexts.ENDED, sums.ended());
        return RecordJson.text(root);
    }
}
