package dev.come.job;

import dev.come.UsageException;
import dev.come.distill.DistillationOptions;
import dev.come.distill.Level;
import dev.come.heal.Healing;
import dev.come.text.WindowLength;

/**
 * How a pruned model is brought back: it is healed in closed form, then trained as a whole. come.json holds it in its
 * {@code recovery} part, with one field for each component.
 *
 * @param recipe the name of the {@link RecoveryRecipe} that it is, apart from options that the user gave beside it
 * @param healingTokens tokens that it is healed on ({@code --calibration-tokens})
 * @param healing how it is healed
 * @param trainingWindow tokens in a window that is trained on ({@code --train-seqlen}), or the model's positions if they are
 *        fewer
 * @param training how it is trained
 */
public record Recovery(String recipe, long healingTokens, Healing.Options healing, int trainingWindow,
        DistillationOptions training) {
    public Recovery {
        if (healingTokens < 1) {
            throw new UsageException("--calibration-tokens is " + healingTokens + ", but must be more than 0");
        }
        if (trainingWindow < WindowLength.LEAST) {
            throw new UsageException("--train-seqlen is " + trainingWindow + ", but must be at least "
                    + WindowLength.LEAST + ": nothing predicts the first token of a window");
        }
        if (training.level() != Level.MODEL) {
            throw new IllegalArgumentException("single layers are no part of a recovery");
        }
    }
}
