package dev.come.job;

import dev.come.InvalidInputException;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointHeaders;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.Quantisation;
import dev.come.checkpoint.Shown;
import dev.come.checkpoint.TensorSpec;
import dev.come.gguf.GgufDescription;
import dev.come.hub.RemoteModel;
import dev.come.model.AttentionKind;
import dev.come.model.ModelConfig;
import dev.come.model.UsualNames;
import dev.come.text.Tokenizer;
import dev.come.text.TokenizerDifference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * {@code come inspect}: what a model is, and what is wrong with it. Only config.json, the headers of the weights and the
 * tokenizer are read, wherever they lie; weights themselves only in a folder where embeddings are said to be tied and an
 * output projection is stored too. Of a GGUF file it is told what it would be unpacked into.
 *
 * @param model what was inspected: a folder or a GGUF file
 * @param architectures {@code architectures} in config.json
 * @param modelType {@code model_type} in config.json
 * @param config sizes and switches; absent if the model cannot be computed here
 * @param weightBytes bytes of all tensors
 * @param tensorsByType how many tensors of each stored type there are
 * @param packed how a GGUF file holds the weights
 * @param parameters numbers in all tensors, tied embeddings once; of a model that sees images too those of its text part
 * @param tokenizer absent if it cannot be read
 * @param making how it was made, if it is a pruned model in a folder
 * @param problems what keeps the model from being used; none if it can be
 * @param remarks what else a user should know
 */
public record Inspection(Path model, List<String> architectures, String modelType, Optional<ModelConfig> config,
        long weightBytes, SequencedMap<DType, Long> tensorsByType, Optional<PackedWeights> packed, long parameters,
        Optional<TokenizerFacts> tokenizer, Optional<Making> making, List<String> problems, List<String> remarks) {

    /**
     * What is known of a tokenizer.
     *
     * @param vocabularySize one more than the highest id
     * @param beginsWithSpecialToken whether a token is put in front of every text
     * @param furtherTokens how many tokens only the files beside the vocabulary know
     * @param difference a text that transformers 5 gives other ids
     */
    public record TokenizerFacts(int vocabularySize, boolean beginsWithSpecialToken, int furtherTokens,
            Optional<TokenizerDifference> difference) {}

    /**
     * Weights that are not stored as they are computed with.
     *
     * @param bytes bytes of all tensors in the file
     * @param tensorsByType how many tensors of each of the file's types there are
     */
    public record PackedWeights(long bytes, SequencedMap<String, Long> tensorsByType) {}

    /**
     * Layers in a row that attend in the same way.
     *
     * @param first the number of the first
     * @param last the number of the last
     */
    public record LayerRange(int first, int last, AttentionKind attention) {}

    /**
     * Inspects a model folder.
     *
     * @throws InvalidInputException if config.json or the headers of the weights cannot be read at all
     */
    public static Inspection of(Path folder) {
        try (Checkpoint checkpoint = UsualNames.open(folder)) {
            return of(new DescribedModel.InFolder(checkpoint));
        }
    }

    /** Inspects a model on the hub. */
    static Inspection of(RemoteModel model) {
        return model.isWhole()
                ? of(model.folder())
                : of(new DescribedModel.OnHub(
                        UsualNames.of(CheckpointHeaders.read(model.folder(), model.weights()))));
    }

    /** Inspects a GGUF file. */
    static Inspection of(GgufDescription file) {
        return of(new DescribedModel.InGguf(file));
    }

    private static Inspection of(DescribedModel model) {
        List<String> problems = new ArrayList<>();
        List<String> remarks = new ArrayList<>();
        ConfigTree tree = model.config();
        List<TensorSpec> tensors = model.tensors();
        Optional<ModelConfig> config = unless(problems, model::sizes);
        Optional<TokenizerFacts> tokenizer = unless(problems, () -> {
            try (Tokenizer opened = model.tokenizer()) {
                return new TokenizerFacts(opened.vocabularySize(), opened.beginsWithSpecialToken(),
                        opened.furtherTokens(),
                        unless(remarks, model::tokenizerDifference).flatMap(Function.identity()));
            }
        });
        config.ifPresent(known -> remark(known, tree, tokenizer, remarks));
        config.ifPresent(_ -> quantised(model, remarks));
        config.flatMap(model::doubt).ifPresent(remarks::add);
        config.flatMap(_ -> model.otherNames()).ifPresent(remarks::add);
        model.strayFiles().forEach(
                file -> remarks.add(file + " belongs to no index and is not read; it may be left from an older save"));
        SequencedMap<DType, Long> types = new LinkedHashMap<>(tensors.stream()
                .collect(Collectors.groupingBy(TensorSpec::dtype, TreeMap::new, Collectors.counting())));
        if (types.size() > 1) {
            remarks.add("tensors are stored in several types; each keeps its own");
        }
        long stored = tensors.stream().mapToLong(tensor -> size(tensor.shape())).sum();
        ConfigTree whole = model.wholeConfig();
        return new Inspection(model.place(), whole.optionalStrings("architectures").orElse(List.of()),
                whole.optionalString("model_type").orElse(""), config,
                tensors.stream().mapToLong(TensorSpec::byteLength).sum(), types, model.packed(),
                config.map(known -> known.parameters(known.layers())).orElse(stored), tokenizer,
                config.flatMap(known -> unless(remarks, () -> model.making(known)).flatMap(Function.identity())),
                problems,
                remarks);
    }

    private interface Reading<T> {
        T read();
    }

    private static <T> Optional<T> unless(List<String> problems, Reading<T> reading) {
        try {
            return Optional.of(reading.read());
        } catch (InvalidInputException e) {
            problems.add(e.getMessage());
            return Optional.empty();
        }
    }

    private static void remark(ModelConfig config, ConfigTree tree, Optional<TokenizerFacts> tokenizer,
            List<String> remarks) {
        if (ModelConfig.of(tree).tiedEmbeddings() && !config.tiedEmbeddings()) {
            remarks.add("config.json says that embeddings are tied, but " + config.headTensor()
                    + " is another tensor than the embedding; it is used, and models made from this one say so");
        }
        if (!config.outputProjection()) {
            remarks.add("there is no output projection, so it gives states and no logits; methods that need no loss"
                    + " prune it, and what needs losses or logits is refused");
        }
        tokenizer.filter(facts -> facts.furtherTokens() > 0)
                .ifPresent(facts -> remarks.add("of the tokenizer's ids " + facts.furtherTokens()
                        + " are of tokens that only tokenizer_config.json, special_tokens_map.json or added_tokens.json know"));
        tokenizer.flatMap(TokenizerFacts::difference).ifPresent(other -> remarks.add(
                "transformers 5 builds this tokenizer anew, and some texts become other ids than by its file: '"
                        + Shown.of(other.text()) + "' is " + listed(other.file()) + " by the file and "
                        + listed(other.transformers5()) + " there, which --tokenizer-compat transformers5 takes"));
        if (tokenizer.isPresent() && tokenizer.get().vocabularySize() > config.vocabularySize()) {
            remarks.add(
                    "the tokenizer has ids up to " + (tokenizer.get().vocabularySize() - 1) + ", the embedding only "
                            + config.vocabularySize() + " rows; texts with the tokens above are refused");
        }
    }

    private static String listed(List<Integer> ids) {
        return ids.stream().map(String::valueOf).collect(Collectors.joining(" "));
    }

    private static void quantised(DescribedModel model, List<String> remarks) {
        if (model.scaledMatrices() > 0) {
            remarks.add(model.scaledMatrices() + " matrices are stored in eight bits with scales and read as"
                    + " bfloat16; models made from this one are stored as bfloat16");
        } else {
            Quantisation.of(model.config()).ifPresent(quantisation -> remarks.add(
                    "config.json speaks of quantised weights (" + quantisation
                            + "), but they are plain; they are used as"
                            + " they are, and models made from this one do not speak of it"));
        }
    }

    /** How the layers attend, those that do it in the same way together. */
    public List<LayerRange> layers() {
        List<LayerRange> ranges = new ArrayList<>();
        List<AttentionKind> kinds = config.map(ModelConfig::attentionKinds).orElse(List.of());
        for (int layer = 0; layer < kinds.size(); layer++) {
            boolean goesOn = !ranges.isEmpty() && ranges.getLast().attention().equals(kinds.get(layer));
            int first = goesOn ? ranges.removeLast().first() : layer;
            ranges.add(new LayerRange(first, layer, kinds.get(layer)));
        }
        return ranges;
    }

    /** Parameters by what they are for. */
    public SequencedMap<String, Long> parametersByPart() {
        SequencedMap<String, Long> parts = new LinkedHashMap<>();
        config.ifPresent(known -> {
            parts.put("embeddings", sum(known.tensorsBefore()));
            Map<String, Long> layer = known.parts().stream().collect(Collectors.groupingBy(
                    part -> part.isOfNorm() ? "norms" : part.isFeedForward() ? "feed-forward" : "attention",
                    Collectors.summingLong(part -> size(known.shape(part)))));
            for (String name : List.of("attention", "feed-forward", "norms")) {
                parts.put(name, layer.getOrDefault(name, 0L) * known.layers());
            }
            parts.put(known.tiedEmbeddings() || !known.outputProjection() ? "final norm" : "output projection",
                    sum(known.tensorsAfter()));
        });
        return parts;
    }

    private static long sum(Map<String, List<Long>> shapes) {
        return shapes.values().stream().mapToLong(Inspection::size).sum();
    }

    private static long size(List<Long> shape) {
        return shape.stream().reduce(1L, Math::multiplyExact);
    }
}
