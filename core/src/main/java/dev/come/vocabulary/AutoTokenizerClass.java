package dev.come.vocabulary;

import dev.come.checkpoint.ConfigTree;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which class AutoTokenizer of transformers 5.24 takes for a folder: tokenizer_config.json names one, and the model_type of
 * config.json decides whether that counts.
 */
final class AutoTokenizerClass {
    /** Reads tokenizer.json as it is; so do names that transformers does not know. */
    static final String BACKEND = "TokenizersBackend";
    private static final String LLAMA = "LlamaTokenizer";

    /** The classes that transformers has for a model_type; one that is absent leaves the choice to tokenizer_config.json. */
    private static final Map<String, String> BY_TYPE = Stream.of(
            of(BACKEND,
                    "mistral ministral ministral3 mistral3 phi3 olmo2 olmo3 granite internlm3 hyperclovax nemotron glm"
                            + " glm4 ernie4_5 stablelm llava smolvlm"),
            of("Qwen2Tokenizer", "qwen2 qwen3 qwen2_5_vl qwen3_vl"),
            of("GemmaTokenizer", "gemma gemma2 gemma3 gemma3_text"),
            of("GPT2Tokenizer", "gpt2 opt starcoder2 jais2 phi"), of("GPTNeoXTokenizer", "gpt_neox olmo"),
            of("CohereTokenizer", "cohere cohere2")).flatMap(types -> types.entrySet().stream())
            .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue));
    /** Of these, what tokenizer_config.json names is known to be wrong. */
    private static final Set<String> WRONGLY_NAMED = Set.of("qwen2", "phi3", "internlm3", "hyperclovax", "nemotron",
            "ernie4_5", "llava", "smolvlm");
    /** Of these, Llama's class is never replaced for being beside bytes. */
    private static final Set<String> MISTRAL = Set.of("mistral", "ministral", "ministral3", "mistral3");
    /** Names of the class that reads tokenizer.json as it is. */
    private static final Set<String> PLAIN = Set.of(BACKEND, "PythonBackend", "PreTrainedTokenizer",
            "BloomTokenizer");

    private AutoTokenizerClass() {
    }

    private static Map<String, String> of(String name, String types) {
        return Stream.of(types.split(" ")).collect(Collectors.toMap(type -> type, _ -> name));
    }

    /** The class for a folder whose tokenizer.json is {@code json}. */
    static String of(Path folder, TokenizerSettings settings, String json) {
        Path file = folder.resolve("config.json");
        return of(Files.exists(file) ? Optional.of(ConfigTree.read(file)) : Optional.empty(), settings, json);
    }

    /** The same with what config.json says, where there is one. */
    static String of(Optional<ConfigTree> model, TokenizerSettings settings, String json) {
        String type = model.flatMap(tree -> tree.optionalString("model_type")).orElse("");
        Optional<String> named = settings.tokenizerClass()
                .or(() -> model.flatMap(tree -> tree.optionalString("tokenizer_class"))
                        .map(TokenizerSettings::withoutFast));
        Optional<String> ofType = Optional.ofNullable(BY_TYPE.get(type));
        boolean ownCode = settings.config().has("auto_map");
        if (named.isEmpty()) {
            return ofType.orElse(BACKEND);
        }
        boolean wrong = WRONGLY_NAMED.contains(type);
        if (!ownCode && named.get().equals(LLAMA) && !MISTRAL.contains(type) && !wrong
                && json.contains("\"ByteLevel\"")) {
            return BACKEND;
        }
        if (!ownCode && ofType.isPresent() && !ofType.equals(named)) {
            return ofType.get().equals(BACKEND) ? BACKEND : plain(wrong ? ofType.get() : named.get());
        }
        return plain(named.get());
    }

    private static String plain(String name) {
        return PLAIN.contains(name) ? BACKEND : name;
    }
}
