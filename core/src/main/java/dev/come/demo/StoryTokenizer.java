package dev.come.demo;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The tokenizer of the embedded model, as the files that Hugging Face's {@code tokenizers} and {@code transformers}
 * read. It has one token for each word and punctuation mark of {@link Stories}. A beginning of text stands in front of
 * every text; the end of a line, at which a story ends, is the end of text.
 */
final class StoryTokenizer {
    static final int BEGIN_OF_TEXT = 1;
    static final int END_OF_TEXT = 2;
    private static final int SPECIAL_TOKENS = 3;

    private StoryTokenizer() {
    }

    /** The number of token ids. */
    static int vocabularySize() {
        return SPECIAL_TOKENS + Stories.vocabulary().size();
    }

    /**
     * The files by name.
     *
     * @param maxPositions the longest sequence, in tokens, that the model is made for
     */
    static Map<String, String> files(int maxPositions) {
        return Map.of("tokenizer.json", tokenizer(), "tokenizer_config.json", settings(maxPositions));
    }

    private static String tokenizer() {
        List<String> words = Stories.vocabulary();
        String entries = IntStream.range(0, words.size())
                .mapToObj(i -> "      \"%s\": %s".formatted(words.get(i), SPECIAL_TOKENS + i))
                .collect(Collectors.joining(",\n"));
        return """
                {
                  "version": "1.0",
                  "truncation": null,
                  "padding": null,
                  "added_tokens": [
                    {"id": 0, "content": "<unk>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
                    {"id": 1, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
                    {"id": 2, "content": "\\n", "single_word": false, "lstrip": false, "rstrip": false, "normalized": true, "special": true}
                  ],
                  "normalizer": {"type": "Replace", "pattern": {"Regex": "\\\\s*\\\\n\\\\s*"}, "content": "\\n"},
                  "pre_tokenizer": {"type": "Whitespace"},
                  "post_processor": {
                    "type": "TemplateProcessing",
                    "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                    "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                    "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}
                  },
                  "decoder": {
                    "type": "Sequence",
                    "decoders": [
                      {"type": "WordPiece", "prefix": "##", "cleanup": false},
                      {"type": "Fuse"},
                      {"type": "Replace", "pattern": {"Regex": " (?=[.,:?\\\\n])|(?<=\\\\n) "}, "content": ""}
                    ]
                  },
                  "model": {
                    "type": "WordLevel",
                    "unk_token": "<unk>",
                    "vocab": {
                      "<unk>": 0,
                      "<s>": 1,
                      "\\n": 2,
                %s
                    }
                  }
                }
                """
                .formatted(entries);
    }

    private static String settings(int maxPositions) {
        return """
                {
                  "tokenizer_class": "PreTrainedTokenizerFast",
                  "bos_token": "<s>",
                  "eos_token": "\\n",
                  "unk_token": "<unk>",
                  "clean_up_tokenization_spaces": false,
                  "model_input_names": ["input_ids", "attention_mask"],
                  "model_max_length": %s
                }
                """.formatted(maxPositions);
    }
}
