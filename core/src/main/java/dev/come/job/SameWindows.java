package dev.come.job;

import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.ModelConfig;
import dev.come.model.Positions;
import dev.come.model.UsualNames;
import dev.come.text.PerplexityText;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The windows of texts that all models of an evaluation see, since only numbers from the same windows compare.
 *
 * @param positions those that all models have
 */
record SameWindows(PerplexityOptions options, Positions positions, Progress progress) {
    /**
     * Looks at the models.
     *
     * @param models their folders, at least one
     */
    static SameWindows of(PerplexityOptions options, Stream<Path> models, Progress progress) {
        return new SameWindows(options, models.map(folder -> {
            try (Checkpoint checkpoint = UsualNames.open(folder)) {
                return ModelConfig.of(checkpoint.config()).positions();
            }
        }).reduce(Positions::and).orElseThrow(), progress);
    }

    /** The texts as a model reads them. */
    List<PerplexityText> read(OpenModel model) {
        return options.read(model, positions, progress);
    }

    /**
     * Checks that another model makes the same tokens of texts.
     *
     * @throws InvalidInputException if it does not
     */
    void requireTokens(OpenModel model, OpenModel reference, List<PerplexityText> texts) {
        String only = "; only models with the same tokens can be compared";
        if (reference.config().vocabularySize() != model.config().vocabularySize()) {
            throw new InvalidInputException("--compare: " + reference.checkpoint().folder() + " has a vocabulary of "
                    + reference.config().vocabularySize() + " tokens, but the model one of "
                    + model.config().vocabularySize() + only);
        }
        List<PerplexityText> others = options.read(reference, positions, Progress.NONE);
        for (int i = 0; i < texts.size(); i++) {
            if (!others.get(i).windows().equals(texts.get(i).windows())) {
                throw new InvalidInputException("--compare: the tokenizer of " + reference.checkpoint().folder()
                        + " makes other tokens of " + texts.get(i).facts().dataset() + " than the model's" + only);
            }
        }
    }
}
