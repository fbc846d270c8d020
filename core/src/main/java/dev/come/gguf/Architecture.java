package dev.come.gguf;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What GGUF files call a family of models, and what differs from one to another.
 *
 * @see <a href="https://github.com/ggml-org/llama.cpp/blob/master/convert_hf_to_gguf.py">the converter that writes them</a>
 */
enum Architecture {
    /** Llama and all that compute as it does; queries and keys are interleaved. */
    LLAMA("llama", "LlamaForCausalLM", true, false, false),
    /** Qwen 2 and 2.5: biases on queries, keys and values. */
    QWEN2("qwen2", "Qwen2ForCausalLM", false, true, false),
    /** Qwen 3: norms on queries and keys. */
    QWEN3("qwen3", "Qwen3ForCausalLM", false, false, true);

    private final String id;
    private final String className;
    private final boolean interleaved;
    private final boolean inputBiases;
    private final boolean headNorms;

    Architecture(String id, String className, boolean interleaved, boolean inputBiases, boolean headNorms) {
        this.id = id;
        this.className = className;
        this.interleaved = interleaved;
        this.inputBiases = inputBiases;
        this.headNorms = headNorms;
    }

    /** The name in {@code general.architecture}, before its keys, and as {@code model_type} in config.json. */
    String id() {
        return id;
    }

    /** The class of transformers. */
    String className() {
        return className;
    }

    /** Whether the rows of queries and keys alternate between the two halves of a head. */
    boolean interleaved() {
        return interleaved;
    }

    /** Whether queries, keys and values always have biases, and nothing else has. */
    boolean inputBiases() {
        return inputBiases;
    }

    /** Whether each head's queries and keys go through a norm. */
    boolean headNorms() {
        return headNorms;
    }

    static Optional<Architecture> named(String name) {
        return Arrays.stream(values()).filter(architecture -> architecture.id.equals(name)).findFirst();
    }

    static String known() {
        return Arrays.stream(values()).map(Architecture::id).collect(Collectors.joining(", "));
    }
}
