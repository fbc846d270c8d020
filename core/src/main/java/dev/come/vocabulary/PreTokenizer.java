package dev.come.vocabulary;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * How a text is cut into words before the words are put together from bytes. The names are those under {@code
 * tokenizer.ggml.pre} in a GGUF file, with the expressions that llama.cpp has for them (llama-vocab.cpp at
 * https://github.com/ggml-org/llama.cpp); they are those of the models' own tokenizer.json.
 */
@SuppressWarnings("ImmutableEnumChecker") // the lists are immutable ones
public enum PreTokenizer {
    /** GPT-2: words with the blank before them, runs of digits, runs of marks. It is what the ByteLevel step does itself. */
    GPT2(Digits.TOGETHER, false, List.of(), "gpt-2", "gpt2", "phi-2", "mpt", "olmo", "jais", "trillion",
            "gigachat", "a.x-4.0", "mellum", "exaone4", "granite-docling"),

    /** The same, each digit a word of its own. */
    SINGLE_DIGITS(Digits.ONE_BY_ONE, false, List.of(), "smollm", "starcoder", "refact", "command-r", "codeshell",
            "exaone", "minerva-7b", "mellum2"),

    /** Llama 3: up to three digits, a mark before a word belongs to it, line ends belong to the marks before them. */
    LLAMA3(Digits.TOGETHER, true,
            List.of("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
                    + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),
            "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"),

    /** As Llama 3, without taking a word whole that happens to be a token. */
    LLAMA3_MERGED(Digits.TOGETHER, false, LLAMA3.splits, "dbrx", "smaug-bpe", "glm4", "chatglm-bpe"),

    /** Qwen 2: as Llama 3, each digit a word of its own. */
    QWEN2(Digits.TOGETHER, false,
            List.of("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
                    + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),
            "qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan", "megrez", "kormo", "solar-open", "grok-2"),

    /** Qwen 3.5: as Qwen 2, marks that combine with a letter belong to the word. */
    QWEN35(Digits.TOGETHER, false,
            List.of("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
                    + "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),
            "qwen35"),

    /** GPT-4o, and Phi-4-mini: as Tekken, with what follows an apostrophe, and up to three digits. */
    GPT4O(Digits.TOGETHER, false,
            List.of("[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
                    + "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
                    + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
                    + "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
                    + "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),
            "gpt-4o", "llama4", "kanana2"),

    /** DeepSeek LLM. */
    DEEPSEEK_LLM(Digits.TOGETHER, false, DeepSeekWords.LANGUAGE_MODEL, "deepseek-llm"),

    /** DeepSeek Coder. */
    DEEPSEEK_CODER(Digits.TOGETHER, false, DeepSeekWords.CODER, "deepseek-coder"),

    /** Falcon: runs of marks, words of GPT-2, digits three by three. */
    FALCON(Digits.TOGETHER, false,
            List.of("[\\p{P}\\$\\+<=>\\^~\\|`]+",
                    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)",
                    "[0-9][0-9][0-9]"),
            "falcon"),

    /** Mistral's Tekken: a word ends where a small letter is followed by a capital. */
    TEKKEN(Digits.TOGETHER, true,
            List.of("[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
                    + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
                    + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),
            "tekken"),

    /** What llama.cpp does for a model that names nothing. */
    DEFAULT(Digits.TOGETHER, false,
            List.of("[\\p{P}\\$\\+<=>\\^~\\|]+",
                    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)", "\\p{N}+",
                    "[0-9][0-9][0-9]"),
            "default");

    private enum Digits {
        TOGETHER, ONE_BY_ONE
    }

    private final Digits digits;
    private final boolean wholeWords;
    private final List<String> splits;
    private final List<String> names;

    PreTokenizer(Digits digits, boolean wholeWords, List<String> splits, String... names) {
        this.digits = digits;
        this.wholeWords = wholeWords;
        this.splits = splits;
        this.names = List.of(names);
    }

    /** The pre-tokenizer that has the name in GGUF files. */
    public static Optional<PreTokenizer> named(String name) {
        return Arrays.stream(values()).filter(value -> value.names.contains(name)).findFirst();
    }

    /**
     * The pre-tokenizer that does what the component of a tokenizer.json does.
     *
     * @param component the value of {@code pre_tokenizer}
     * @param wholeWords as {@link #wholeWords}
     * @return nothing if none does
     */
    static Optional<PreTokenizer> of(JsonNode component, boolean wholeWords) {
        List<String> steps = steps(component);
        return Arrays.stream(values()).filter(value -> value.wholeWords == wholeWords && value.steps().equals(steps))
                .findFirst();
    }

    private List<String> steps() {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        write(root, false);
        return steps(root.path("pre_tokenizer"));
    }

    /** The steps of a component, each with what makes a difference to ids. */
    private static List<String> steps(JsonNode component) {
        if (component.has("pretokenizers")) {
            List<String> all = new ArrayList<>();
            component.path("pretokenizers").forEach(step -> all.addAll(steps(step)));
            return all;
        }
        String type = component.path("type").asString("");
        return List.of(type + switch (type) {
            case "Split" -> component.path("pattern") + " " + component.path("behavior") + component.path("invert");
            case "Digits" -> component.path("individual_digits").toString();
            case "ByteLevel" -> component.path("add_prefix_space") + " " + component.path("use_regex").asBoolean(true);
            default -> component.toString();
        });
    }

    /** The name that GGUF files have for it; the first of several. */
    public String id() {
        return names.getFirst();
    }

    /** All names, for messages. */
    public static String known() {
        return Arrays.stream(values()).flatMap(value -> value.names.stream()).sorted()
                .collect(Collectors.joining(", "));
    }

    /** Whether a word that is a token is that token, even if no merges lead to it. */
    public boolean wholeWords() {
        return wholeWords;
    }

    /** Writes the component; {@code blankInFront}: whether a text that does not begin with a blank is given one. */
    void write(ObjectNode root, boolean blankInFront) {
        ArrayNode list = TokenizerJson.steps(root, "pre_tokenizer", "pretokenizers");
        if (digits == Digits.ONE_BY_ONE) {
            list.addObject().put("type", "Digits").put("individual_digits", true);
        }
        for (String split : splits) {
            ObjectNode step = list.addObject().put("type", "Split");
            step.putObject("pattern").put("Regex", split);
            step.put("behavior", "Isolated").put("invert", false);
        }
        list.addObject().put("type", "ByteLevel").put("add_prefix_space", blankInFront).put("trim_offsets", false)
                .put("use_regex", splits.isEmpty());
    }
}
