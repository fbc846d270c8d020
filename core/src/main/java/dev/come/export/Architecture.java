package dev.come.export;

import static dev.come.model.Part.DOWN_BIAS;
import static dev.come.model.Part.GATE_BIAS;
import static dev.come.model.Part.KEY_BIAS;
import static dev.come.model.Part.OUTPUT_BIAS;
import static dev.come.model.Part.QUERY_BIAS;
import static dev.come.model.Part.UP_BIAS;
import static dev.come.model.Part.VALUE_BIAS;

import dev.come.InvalidInputException;
import dev.come.model.Family;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What llama.cpp computes for a family of ours. What it has no key for stands in its code, and is said here: a model that is
 * otherwise is refused, since llama.cpp would compute another one without a word.
 *
 * @see <a href="https://github.com/ggml-org/llama.cpp/tree/master/src/models">llama.cpp's models</a>
 */
enum Architecture {
    LLAMA("llama", "llama", true, false, false), MISTRAL("mistral", "llama", true, false, false), QWEN2("qwen2",
            "qwen2", false, false, false), QWEN3("qwen3", "qwen3", false, false, false), PHI3("phi3", "phi3", false,
                    false, false), GEMMA2("gemma2", "gemma2", false, true, true), GEMMA3("gemma3_text", "gemma3", false,
                            true, true), OLMO2("olmo2", "olmo2", false, false, false), GRANITE("granite", "granite",
                                    true, false, false), SMOLLM3("smollm3", "smollm3", true, false,
                                            false), STARCODER2("starcoder2", "starcoder2", false, false, true);

    private static final Set<Part> INPUT_BIASES = Set.of(QUERY_BIAS, KEY_BIAS, VALUE_BIAS);
    private static final Set<Part> BIASES = Set.of(QUERY_BIAS, KEY_BIAS, VALUE_BIAS, OUTPUT_BIAS, GATE_BIAS, UP_BIAS,
            DOWN_BIAS);

    private final String modelType;
    private final String id;
    private final boolean interleaved;
    private final boolean windows;
    private final boolean gelu;

    /**
     * An architecture.
     *
     * @param interleaved whether rows of queries and keys alternate between the two halves of a head
     * @param windows whether layers may see a window of tokens only
     * @param gelu whether the activation is GELU in its tanh form, and not SiLU
     */
    Architecture(String modelType, String id, boolean interleaved, boolean windows, boolean gelu) {
        this.modelType = modelType;
        this.id = id;
        this.interleaved = interleaved;
        this.windows = windows;
        this.gelu = gelu;
    }

    /**
     * The architecture of a model.
     *
     * @throws InvalidInputException if llama.cpp has none that computes it
     */
    static Architecture of(ModelConfig config) {
        String type = config.family().modelType();
        return of(config.family())
                .orElseThrow(() -> new InvalidInputException("no GGUF file can be made of models of type " + type
                        + "; those that it can be made of are "
                        + Arrays.stream(values()).map(one -> one.modelType).collect(Collectors.joining(", "))));
    }

    /** That of all models of a family; none if llama.cpp has none, or it was not compared. */
    static Optional<Architecture> of(Family family) {
        return Arrays.stream(values()).filter(one -> one.modelType.equals(family.modelType())).findFirst();
    }

    /** The name in {@code general.architecture} and before its keys. */
    String id() {
        return id;
    }

    boolean interleaved() {
        return interleaved;
    }

    /** Whether the file can say which layers see a window only. */
    boolean hasWindows() {
        return windows;
    }

    /** The names that config.json may have for its activation, the usual one first. */
    List<String> activations() {
        return gelu
                ? List.of("gelu_pytorch_tanh", "gelu_new", "gelu_fast")
                : List.of("silu", "swish");
    }

    /** The biases that there is a place for. */
    Set<Part> biases() {
        return switch (this) {
            case LLAMA, MISTRAL, GRANITE, STARCODER2 -> BIASES;
            case QWEN2, QWEN3 -> INPUT_BIASES;
            case PHI3, GEMMA2, GEMMA3, OLMO2, SMOLLM3 -> Set.of();
        };
    }

    /** Which layers turn queries and keys by their positions. */
    boolean rotates(int layer) {
        return this != SMOLLM3 || (layer + 1) % 4 != 0;
    }

    /** Whether a layer sees a window, where the file does not say it. */
    boolean slides(int layer) {
        return switch (this) {
            case GEMMA2 -> layer % 2 == 0;
            case GEMMA3 -> (layer + 1) % 6 != 0;
            default -> false;
        };
    }

    /** Which orders of layers that attend in different ways llama.cpp computes, in a word or two. */
    String orders() {
        return switch (this) {
            case LLAMA, OLMO2, GRANITE -> "any";
            case GEMMA2, GEMMA3 -> "period or list";
            case SMOLLM3 -> "every 4th";
            case MISTRAL, QWEN2, QWEN3, PHI3, STARCODER2 -> "no windows";
        };
    }

    /** By what products of queries and keys are multiplied, where the file does not say it. */
    double attentionScale(ModelConfig config) {
        boolean largest = (this == GEMMA2 && config.layers() == 46) || (this == GEMMA3 && config.layers() == 62);
        return 1 / Math.sqrt(largest ? config.hiddenSize() / config.heads() : config.headDim());
    }
}
