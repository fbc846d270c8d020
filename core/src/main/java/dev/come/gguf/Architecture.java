package dev.come.gguf;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What GGUF files call a family of models, and what differs from one to another.
 *
 * @see <a href="https://github.com/ggml-org/llama.cpp/tree/master/conversion">the converter that writes them</a>
 */
@SuppressWarnings("ImmutableEnumChecker") // the lists and sets are immutable ones
enum Architecture {
    /** Llama and all that compute as it does. */
    LLAMA("llama", "llama", "LlamaForCausalLM", LayerTensor.LLAMA, Trait.INTERLEAVED),
    /** Qwen 2 and 2.5: biases on queries, keys and values. */
    QWEN2("qwen2", "qwen2", "Qwen2ForCausalLM", LayerTensor.QWEN2),
    /** Qwen 3: norms on queries and keys. */
    QWEN3("qwen3", "qwen3", "Qwen3ForCausalLM", LayerTensor.QWEN3),
    /** Gemma 2: norms before and after, windows, scores and logits that are capped. */
    GEMMA2("gemma2", "gemma2", "Gemma2ForCausalLM", LayerTensor.GEMMA2, Trait.NORMS_PLUS_ONE, Trait.SCORES_CAPPED,
            Trait.LOGITS_CAPPED),
    /** Gemma 3: norms on queries and keys too, and two rotations. */
    GEMMA3("gemma3", "gemma3_text", "Gemma3ForCausalLM", LayerTensor.GEMMA3, Trait.NORMS_PLUS_ONE, Trait.LOGITS_CAPPED),
    /** Phi-3 and Phi-4: matrices that lie together. */
    PHI3("phi3", "phi3", "Phi3ForCausalLM", LayerTensor.PHI3, Trait.TURNS_A_PART),
    /** OLMo 2: norms after, and on all queries and all keys together. */
    OLMO2("olmo2", "olmo2", "Olmo2ForCausalLM", LayerTensor.OLMO2),
    /** Granite 3: Llama with four factors. */
    GRANITE("granite", "granite", "GraniteForCausalLM", LayerTensor.LLAMA, Trait.INTERLEAVED, Trait.FACTORS),
    /** SmolLM3: Llama, and every fourth layer knows no positions. */
    SMOLLM3("smollm3", "smollm3", "SmolLM3ForCausalLM", LayerTensor.LLAMA, Trait.INTERLEAVED),
    /** StarCoder2: layer norms, no gate. */
    STARCODER2("starcoder2", "starcoder2", "Starcoder2ForCausalLM", LayerTensor.STARCODER2, Trait.LAYER_NORMS),
    /** GPT-2: the same, positions that are learned, and matrices that a folder holds the other way round. */
    GPT2("gpt2", "gpt2", "GPT2LMHeadModel", LayerTensor.GPT2, Trait.LAYER_NORMS, Trait.TRANSPOSED,
            Trait.LEARNED_POSITIONS);

    /** What an architecture does otherwise than Llama, or its files have otherwise than a model folder. */
    enum Trait {
        /** The rows of queries and keys alternate between the two halves of a head. */
        INTERLEAVED,
        /** Norms take the mean away and add a bias. */
        LAYER_NORMS,
        /** The file has the weights of norms, a folder has them less one. */
        NORMS_PLUS_ONE,
        /** A folder has the matrices of layers with rows and columns exchanged. */
        TRANSPOSED,
        /** A row is added to the embedding for each position, and nothing turns. */
        LEARNED_POSITIONS,
        /** Positions may turn a part of each head. */
        TURNS_A_PART,
        /** The keys of Granite's four factors are read. */
        FACTORS,
        /** The products of queries and keys are capped. */
        SCORES_CAPPED,
        /** Logits may be capped. */
        LOGITS_CAPPED
    }

    private final String id;
    private final String modelType;
    private final String className;
    private final List<LayerTensor> layer;
    private final Set<Trait> traits;

    Architecture(String id, String modelType, String className, List<LayerTensor> layer, Trait... traits) {
        this.id = id;
        this.modelType = modelType;
        this.className = className;
        this.layer = layer;
        this.traits = traits.length == 0 ? Set.of() : EnumSet.copyOf(List.of(traits));
    }

    /** The name in {@code general.architecture} and before its keys. */
    String id() {
        return id;
    }

    /** {@code model_type} in config.json. */
    String modelType() {
        return modelType;
    }

    /** The class of transformers. */
    String className() {
        return className;
    }

    /** The tensors of a layer. */
    List<LayerTensor> layer() {
        return layer;
    }

    boolean has(Trait trait) {
        return traits.contains(trait);
    }

    static Optional<Architecture> named(String name) {
        return Arrays.stream(values()).filter(architecture -> architecture.id.equals(name)).findFirst();
    }

    static String known() {
        return Arrays.stream(values()).map(Architecture::id).collect(Collectors.joining(", "));
    }
}
