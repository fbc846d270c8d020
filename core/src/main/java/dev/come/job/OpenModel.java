package dev.come.job;

import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.ConfigTree;
import dev.come.failure.Opening;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.model.UsualNames;
import dev.come.prune.PruningPlan;
import dev.come.stack.LayerStore;
import dev.come.text.Tokenizer;
import dev.come.vocabulary.TokenizerCompat;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/** A model folder that a job works on: its weights, its configuration, its tokenizer. */
final class OpenModel implements AutoCloseable {
    private final Checkpoint checkpoint;
    private final ModelConfig config;
    private final LayerStore store;
    private final Tokenizer tokenizer;
    private final TokenizerCompat compat;

    OpenModel(Path folder) {
        this(folder, TokenizerCompat.FILE);
    }

    /** @param compat whose ids texts become */
    OpenModel(Path folder, TokenizerCompat compat) {
        this.compat = compat;
        try (Opening opening = new Opening()) {
            checkpoint = UsualNames.open(folder);
            opening.add(checkpoint::close);
            config = ModelConfig.of(checkpoint);
            store = new LayerStore(checkpoint, config);
            tokenizer = Tokenizer.open(folder, config.vocabularySize(), compat);
            opening.done();
        }
    }

    Checkpoint checkpoint() {
        return checkpoint;
    }

    ModelConfig config() {
        return config;
    }

    LayerStore store() {
        return store;
    }

    Tokenizer tokenizer() {
        return tokenizer;
    }

    /** Adds to a record whose ids texts became, where it is not what the file says. */
    void addTokenizer(ObjectNode settings) {
        if (compat != TokenizerCompat.FILE) {
            settings.put(PruningPlan.TOKENIZER_COMPAT, compat.toString());
        }
    }

    Compute compute(ComputeChoice choice) {
        return Compute.of(choice.dtype(), config.storedType(checkpoint), choice.device(), choice.threads());
    }

    /** The tokens that end a text, from generation_config.json or else config.json: one, several or none. */
    Set<Integer> endTokens() {
        Path generation = checkpoint.folder().resolve("generation_config.json");
        return Files.exists(generation)
                ? Set.copyOf(ConfigTree.read(generation).oneOrMoreIntegers("eos_token_id"))
                : config.family().endTokens(checkpoint.config());
    }

    @Override
    public void close() {
        tokenizer.close();
        checkpoint.close();
    }
}
