package dev.come.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A made-up tokenizer.json: words between blanks, ids in the order given from 2 on; 0 is an unknown word, and 1 stands in
 * front of every text. It asks for truncation and padding, which {@link Tokenizer} must switch off.
 */
final class WordTokenizer {
    private WordTokenizer() {
    }

    /** Writes it into the folder and returns the folder. */
    static Path write(Path folder, String... words) throws IOException {
        String vocabulary = IntStream.range(0, words.length).mapToObj(i -> ", \"" + words[i] + "\": " + (i + 2))
                .collect(Collectors.joining());
        Files.writeString(folder.resolve("tokenizer.json"), """
                {"version": "1.0",
                 "truncation": {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0},
                 "padding": {"strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
                             "pad_type_id": 0, "pad_token": "<unk>"},
                 "added_tokens": [
                   {"id": 1, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": true}],
                 "normalizer": null,
                 "pre_tokenizer": {"type": "WhitespaceSplit"},
                 "post_processor": {"type": "TemplateProcessing",
                   "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                   "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
                   "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
                 "decoder": null,
                 "model": {"type": "WordLevel", "unk_token": "<unk>", "vocab": {"<unk>": 0, "<s>": 1%s}}}
                """.formatted(vocabulary));
        return folder;
    }
}
