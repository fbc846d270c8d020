package dev.come.demo;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.TensorSpec;
import dev.come.model.ModelConfig;
import dev.come.text.Sequences;
import dev.come.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/** Trains a model on {@link Stories} and saves it with its tokenizer. */
final class DemoTrainer {
    private static final int NOTES = 20;

    private final Recipe recipe;
    private final ModelConfig config;
    private final long seed;
    private final Map<String, String> tokenizerFiles;

    DemoTrainer(Recipe recipe, long seed) {
        this.recipe = recipe;
        this.config = recipe.config();
        this.seed = seed;
        this.tokenizerFiles = StoryTokenizer.files(config.maxPositions());
    }

    /** As {@link DemoModel#train} says. */
    void train(Path target, Progress progress) {
        CheckpointWriter writer = new CheckpointWriter(target, recipe.configuration()).progress(progress)
                .file("generation_config.json", generationSettings()).file("README.md", modelCard());
        tokenizerFiles.forEach(writer::file);
        writer.checkTarget();

        SplittableRandom random = new SplittableRandom(seed);
        Stories stories = new Stories(random.split());
        try (Tokenizer tokenizer = openTokenizer(); Training training = new Training(config, random.split())) {
            try (Progress.Task task = progress.begin("training", recipe.steps(), "steps")) {
                double sum = 0;
                int notedSteps = 0;
                for (int step = 1; step <= recipe.steps(); step++) {
                    sum += training.step(nextBatch(stories, tokenizer), recipe.learningRate(step - 1));
                    task.advance(1);
                    if (step * NOTES / recipe.steps() > notedSteps * NOTES / recipe.steps()) {
                        progress.note(String.format(Locale.ROOT, "step %d: loss %.3f nats per token", step,
                                sum / (step - notedSteps)));
                        sum = 0;
                        notedSteps = step;
                    }
                }
            }
            save(writer, training.tensors());
        }
    }

    /** New stories, cut into windows as those for perplexity are: one token in front of the text, one text for the batch. */
    private Sequences nextBatch(Stories stories, Tokenizer tokenizer) {
        int wanted = recipe.sequences() * config.maxPositions();
        StringBuilder text = new StringBuilder();
        int[] tokens;
        do {
            text.append(stories.text(recipe.sequences()));
            tokens = tokenizer.encode(text.toString());
        } while (tokens.length < wanted);
        return Sequences.windows(Arrays.copyOf(tokens, wanted), config.maxPositions());
    }

    private Tokenizer openTokenizer() {
        try {
            Path folder = Files.createTempDirectory("come-tokenizer");
            try {
                for (Map.Entry<String, String> file : tokenizerFiles.entrySet()) {
                    Files.writeString(folder.resolve(file.getKey()), file.getValue());
                }
                return Tokenizer.open(folder);
            } finally {
                for (String name : tokenizerFiles.keySet()) {
                    Files.deleteIfExists(folder.resolve(name));
                }
                Files.delete(folder);
            }
        } catch (IOException e) {
            throw new FailedException("the tokenizer cannot be written to the folder for temporary files (" + e
                    + "); set -Djava.io.tmpdir to a folder that can be written to", e);
        }
    }

    private static void save(CheckpointWriter writer, Map<String, Tensor> tensors) {
        List<TensorSpec> specs = tensors.entrySet().stream().map(tensor -> new TensorSpec(tensor.getKey(), DType.BF16,
                Arrays.stream(tensor.getValue().shape()).boxed().toList())).toList();
        try (var _ = new NoGradGuard()) {
            writer.write(specs, spec -> Objects.requireNonNull(tensors.get(spec.name())).to(DType.BF16.scalarType()));
        }
    }

    private static String generationSettings() {
        return ConfigTree.create(Path.of("generation_config.json"),
                root -> root.put("bos_token_id", StoryTokenizer.BEGIN_OF_TEXT)
                        .put("eos_token_id", StoryTokenizer.END_OF_TEXT))
                .toJson();
    }

    private String modelCard() {
        return String.format(Locale.ROOT,
                """
                        ---
                        license: apache-2.0
                        pipeline_tag: text-generation
                        ---
                        # A model to try things on

                        A Llama of %d layers and %,d parameters that tells short stories from a small grammar, made by CoMe for Java
                        with nothing but its own code: `./come demo --train FOLDER` trains it again.

                        Seed %d, %d steps of %d sequences of %d tokens. The stories are generated; no text of other authors was used.
                        """,
                config.layers(), config.parameters(config.layers()), seed, recipe.steps(), recipe.sequences(),
                config.maxPositions());
    }
}
