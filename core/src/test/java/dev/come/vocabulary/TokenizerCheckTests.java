package dev.come.vocabulary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.checkpoint.CheckpointException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Each text here has a fault that the check finds; none does harm: what would is replaced by something alike that the
 * library ignores, accepts or refuses in words.
 */
class TokenizerCheckTests {
    private static final Path FILE = Path.of("tokenizer.json");
    private static final String VOCABULARY = "{\"<unk>\":0,\"<s>\":1,\"a\":2,\"b\":3,\"ab\":4}";

    /** A text, and what is wrong with it. */
    record Fault(String json, String problem) {}

    static final List<Fault> FAULTS = List.of(
            new Fault("{\"model\":", "EOF, its JSON ends before it is complete"),
            new Fault("[]", "a JSON object {...} is expected"),
            new Fault("{} {}", "text follows after its JSON object"),
            new Fault("{\"version\":\"1.0\",,}", "its JSON is broken (Unexpected character"),
            new Fault("{\"padding\":null,\"padding\":null}", "'padding' is given twice"),
            new Fault("{}", "it has no model with a vocabulary"), model("\"WordLevel\",\"vocab\":null"),
            new Fault("{\"normalizer\":" + "[".repeat(70) + "]".repeat(70) + "}",
                    "its JSON is broken (Document nesting"),
            new Fault("{\"truncation\":{\"max_length\":1e999}}", "the number under 'max_length' is too large"),
            new Fault(with("\"normalizer\":{\"type\":\"Prepend\",\"prepend\":\"\\ud800\"}"),
                    "holds half a character"),
            new Fault(with("\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":-1}}"), "the id of the token 'a' is -1"),
            new Fault(with("\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":5000000000}}"),
                    "the id of the token 'a' is 5000000000"),
            new Fault(with("\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":\"0\"}}"),
                    "the id of the token 'a' is 0"),
            new Fault(with("\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",0.0],[\"b\"]]}"),
                    "entry 1 of its vocabulary is not a token with its score"),
            new Fault(with("\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",0.0],[\"b\",1e999]]}"),
                    "entry 1 of its vocabulary is not a token with its score"),
            bpe("\"merges\":[\"ab\"]", "entry 0 of its merges is not two tokens"),
            bpe("\"merges\":[[\"a\",\"b\",\"a\"]]", "entry 0 of its merges is not two tokens"),
            bpe("\"merges\":[[\"a\",1]]", "entry 0 of its merges is not two tokens"),
            bpe("\"continuing_subword_prefix\":\"b\",\"merges\":[\"b a\"]",
                    "the second token of the merge 'b a' does not begin with 'b'"),
            added("{\"content\":\"<s>\"}", "entry 0 of its added_tokens has no sound 'id'"),
            added("{\"id\":1}", "entry 0 of its added_tokens has no sound 'content'"),
            added("{\"id\":1,\"content\":\"<s>\",\"special\":1}", "entry 0 of its added_tokens has no sound 'special'"),
            added("7", "entry 0 of its added_tokens is no object {...}"),
            added("{\"id\":3,\"content\":\"<s>\"}",
                    "its added token '<s>' has the id 3, but the vocabulary has it as 1"),
            added("{\"id\":5,\"content\":\"<x>\"},{\"id\":9,\"content\":\"<y>\"}",
                    "its added token '<y>' has the id 9, but the next id that is free is 6"),
            new Fault(with("\"decoder\":[]"), "its decoder is no object {...}"),
            new Fault(with("\"decoder\":{\"type\":\"Fuse\",\"stop\":1}"),
                    "its decoder takes something off the end of texts"),
            new Fault(with("\"normalizer\":{\"precompiled_charsmap\":\"@\"}"),
                    "its precompiled_charsmap is not base64"),
            new Fault(
                    with("\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"precompiled_charsmap\":\"AAA\"}]}"),
                    "its precompiled_charsmap is not base64 to its end"),
            processor("\"special_tokens\":{},\"single\":[{\"SpecialToken\":{\"id\":\"<s>\",\"type_id\":0}}]",
                    "its post_processor puts '<s>' around a text, but does not say which token that is"),
            processor("\"special_tokens\":{},\"single\":[{\"Sequence\":{\"id\":\"B\",\"type_id\":0}}]",
                    "its post_processor expects a second text beside the first ('B')"),
            processor("\"special_tokens\":{},\"single\":[]", "its post_processor leaves the text itself out"),
            processor("\"special_tokens\":{\"<s>\":{\"id\":\"<s>\",\"ids\":[1],\"tokens\":[]}},\"single\":[]",
                    "its post_processor does not say which ids '<s>' has, and their names"),
            processor("\"special_tokens\":{\"<s>\":{\"id\":\"<s>\",\"ids\":[4],\"tokens\":[\"<s>\"]}},\"single\":[]",
                    "its post_processor gives '<s>' the id 4, but the vocabulary has it as 1"));

    private static String with(String section) {
        return "{" + section + (section.contains("\"model\"")
                ? ""
                : ",\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"<unk>\",\"vocab\":" + VOCABULARY + "}")
                + ",\"added_tokens\":[]}";
    }

    private static Fault model(String type) {
        return new Fault("{\"model\":{\"type\":" + type + "}}", "it has no model with a vocabulary");
    }

    private static Fault bpe(String settings, String problem) {
        return new Fault(with("\"model\":{\"type\":\"BPE\"," + settings + ",\"vocab\":" + VOCABULARY + "}"), problem);
    }

    private static Fault added(String tokens, String problem) {
        return new Fault(
                with("\"normalizer\":null").replace("\"added_tokens\":[]", "\"added_tokens\":[" + tokens + "]"),
                problem);
    }

    /** A step that does nothing and has keys that the library passes over. */
    private static Fault processor(String keys, String problem) {
        return new Fault(with("\"post_processor\":{\"type\":\"Sequence\",\"processors\":[]," + keys + "}"), problem);
    }

    @ParameterizedTest
    @FieldSource("FAULTS")
    void aFaultIsNamed(Fault fault) {
        assertThatThrownBy(() -> TokenizerCheck.check(FILE, fault.json)).isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith("tokenizer.json is not a tokenizer that can be read: ")
                .hasMessageContaining(fault.problem).hasMessageEndingWith("; fetch the file again");
    }

    @ParameterizedTest
    @ValueSource(strings = {"words", "stories260K"})
    void soundFilesPass(String fixture) throws IOException {
        String json = Files.readString(Path.of("src/test/resources/fixtures", fixture, "tokenizer.json"));
        assertThatCode(() -> TokenizerCheck.check(FILE, json)).doesNotThrowAnyException();
    }

    /** A map is read by our own reader; it never gets to another. */
    @Test
    void aMapOfCharactersThatLeadsOutOfItselfIsRefused() {
        assertMap(map(new int[256], "x\0"), "");
        assertMap(ByteBuffer.allocate(2), "its trie has no sound size");
        assertMap(ByteBuffer.allocate(4), "its trie has no sound size");
        assertMap(map(new int[255], "x\0"), "its trie has no sound size");
        assertMap(map(new int[256], ""), "what its rules write is no text");
        assertMap(map(new int[256], "x"), "what its rules write is no text");
        int[] outside = new int[256];
        outside[0] = 256 << 10;
        assertMap(map(outside, "x\0"), "its trie leads out of itself");
        int[] rule = new int[256];
        rule['a'] = 'a' | 1 << 8 | ('a' ^ 1) << 10; // what is at 1 says where its text begins
        rule[1] = Integer.MIN_VALUE;
        assertMap(map(rule, "x\0"), "");
        rule[1] = Integer.MIN_VALUE | 2;
        assertMap(map(rule, "x\0"), "its trie leads out of itself");
        rule[1] = Integer.MIN_VALUE | 1;
        assertMap(map(rule, "\u00e9\0"), "its trie leads out of itself");
    }

    private static ByteBuffer map(int[] units, String texts) {
        byte[] text = texts.getBytes(StandardCharsets.UTF_8);
        ByteBuffer map = ByteBuffer.allocate(Integer.BYTES * (1 + units.length) + text.length)
                .order(ByteOrder.LITTLE_ENDIAN);
        map.putInt(Integer.BYTES * units.length);
        Arrays.stream(units).forEach(map::putInt);
        return map.put(text).flip();
    }

    private static void assertMap(ByteBuffer map, String problem) {
        if (problem.isEmpty()) {
            assertThat(CharacterMap.read(FILE, map)).isNotNull();
        } else {
            assertThatThrownBy(() -> CharacterMap.read(FILE, map)).isInstanceOf(CheckpointException.class)
                    .hasMessage("tokenizer.json: the map of characters (precompiled_charsmap) is damaged: " + problem
                            + "; fetch the file again");
        }
    }
}
