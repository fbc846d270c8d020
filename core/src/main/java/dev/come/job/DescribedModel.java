package dev.come.job;

import dev.come.InvalidInputException;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointHeaders;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.TensorSpec;
import dev.come.gguf.GgufDescription;
import dev.come.model.ModelConfig;
import dev.come.model.UsualNames;
import dev.come.text.Tokenizer;
import dev.come.text.TokenizerDifference;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What is known of a model from its headers, wherever it lies: in a folder, on the hub, or in a GGUF file. */
sealed interface DescribedModel {
    /** Where it lies. */
    Path place();

    /** What config.json says of the part that is computed. */
    ConfigTree config();

    /** All that config.json says. */
    default ConfigTree wholeConfig() {
        return config();
    }

    /** The tensors of the model folder, be it that one must be made first. */
    List<TensorSpec> tensors();

    /**
     * Sizes and switches, checked against the tensors.
     *
     * @throws InvalidInputException if the model cannot be computed here
     */
    ModelConfig sizes();

    /**
     * The tokenizer.
     *
     * @throws InvalidInputException if it cannot be read
     */
    Tokenizer tokenizer();

    /**
     * A text that transformers 5 gives other ids.
     *
     * @throws InvalidInputException if that is not known
     */
    default Optional<TokenizerDifference> tokenizerDifference() {
        return Optional.empty();
    }

    /** Safetensors files that hold no tensor of the model. */
    default List<String> strayFiles() {
        return List.of();
    }

    /** What the headers leave open. */
    default Optional<String> doubt(ModelConfig sizes) {
        return Optional.empty();
    }

    /** Which names the tensors have in their files, if these are others than usual. */
    default Optional<String> otherNames() {
        return Optional.empty();
    }

    /** How many matrices are stored in eight bits with scales. */
    default int scaledMatrices() {
        return 0;
    }

    /**
     * How it was made, where that lies beside it.
     *
     * @throws InvalidInputException if what lies there cannot be read, or belongs to another model
     */
    default Optional<Making> making(ModelConfig sizes) {
        return Optional.empty();
    }

    /** How the weights are packed, if they are. */
    default Optional<Inspection.PackedWeights> packed() {
        return Optional.empty();
    }

    /** A folder, whose weights can be looked at too. */
    record InFolder(Checkpoint checkpoint) implements DescribedModel {
        @Override
        public Path place() {
            return checkpoint.folder();
        }

        @Override
        public ConfigTree config() {
            return checkpoint.config();
        }

        @Override
        public ConfigTree wholeConfig() {
            return checkpoint.headers().wholeConfig();
        }

        @Override
        public List<TensorSpec> tensors() {
            return specs(checkpoint.headers());
        }

        @Override
        public ModelConfig sizes() {
            return ModelConfig.of(checkpoint);
        }

        @Override
        public Tokenizer tokenizer() {
            return Tokenizer.open(checkpoint.folder());
        }

        @Override
        public Optional<TokenizerDifference> tokenizerDifference() {
            return TokenizerDifference.of(checkpoint.folder());
        }

        @Override
        public List<String> strayFiles() {
            return checkpoint.headers().strayFiles();
        }

        @Override
        public Optional<String> otherNames() {
            return UsualNames.remark(checkpoint.headers());
        }

        @Override
        public int scaledMatrices() {
            return checkpoint.headers().scaledMatrices();
        }

        @Override
        public Optional<Making> making(ModelConfig sizes) {
            return Making.of(place(), sizes.layers());
        }
    }

    /** A model on the hub without some weights, which were not fetched. */
    record OnHub(CheckpointHeaders headers) implements DescribedModel {
        @Override
        public Path place() {
            return headers.folder();
        }

        @Override
        public ConfigTree config() {
            return headers.config();
        }

        @Override
        public ConfigTree wholeConfig() {
            return headers.wholeConfig();
        }

        @Override
        public List<TensorSpec> tensors() {
            return specs(headers);
        }

        @Override
        public ModelConfig sizes() {
            return ModelConfig.of(headers);
        }

        @Override
        public Tokenizer tokenizer() {
            return Tokenizer.open(headers.folder());
        }

        @Override
        public Optional<TokenizerDifference> tokenizerDifference() {
            return TokenizerDifference.of(headers.folder());
        }

        @Override
        public List<String> strayFiles() {
            return headers.strayFiles();
        }

        @Override
        public Optional<String> otherNames() {
            return UsualNames.remark(headers);
        }

        @Override
        public int scaledMatrices() {
            return headers.scaledMatrices();
        }

        @Override
        public Optional<String> doubt(ModelConfig sizes) {
            return sizes.storesTiedHead(headers)
                    ? Optional.of(
                            "config.json says that embeddings are tied, but an output projection is stored too; whether"
                                    + " it is another tensor than the embedding, which would count, shows when the weights are fetched")
                    : Optional.empty();
        }
    }

    /** A GGUF file, as the folder that it would be unpacked into. */
    record InGguf(GgufDescription gguf) implements DescribedModel {
        @Override
        public Path place() {
            return gguf.file();
        }

        @Override
        public ConfigTree config() {
            return gguf.config();
        }

        @Override
        public List<TensorSpec> tensors() {
            return gguf.tensors();
        }

        /** The tensors were checked when the file was read. */
        @Override
        public ModelConfig sizes() {
            return ModelConfig.of(gguf.config());
        }

        @Override
        public Tokenizer tokenizer() {
            return Tokenizer.of(gguf.file(), gguf.tokenizerJson());
        }

        @Override
        public Optional<TokenizerDifference> tokenizerDifference() {
            return TokenizerDifference.of(gguf.file(), gguf.tokenizerJson(), gguf.tokenizerConfig(), gguf.config());
        }

        @Override
        public Optional<Inspection.PackedWeights> packed() {
            return Optional.of(new Inspection.PackedWeights(gguf.storedBytes(), gguf.storedTypes()));
        }
    }

    private static List<TensorSpec> specs(CheckpointHeaders headers) {
        return Stream.concat(headers.tensors().stream(), headers.others().stream())
                .map(tensor -> TensorSpec.like(tensor, tensor.name())).toList();
    }
}
