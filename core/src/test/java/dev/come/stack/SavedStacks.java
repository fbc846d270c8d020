package dev.come.stack;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.model.LayerWeights;
import dev.come.model.UsualNames;
import java.nio.file.Path;
import org.bytedeco.javacpp.PointerScope;

/** Stacks as they lie in a folder. */
public final class SavedStacks {
    private SavedStacks() {
    }

    /** Saves a stack, opens it again, and compares all weights to the bit. */
    public static void assertSavedAsItIs(Path saved, LayerStore store, LayerStack stack) {
        new StackWriter(store, stack).write(config -> new CheckpointWriter(saved, config));
        try (Checkpoint reopened = UsualNames.open(saved); var _ = new PointerScope()) {
            for (int i = 0; i < stack.size(); i++) {
                LayerWeights found = LayerWeights.of(reopened, store.config(), i);
                store.materialise(stack.get(i)).asMap()
                        .forEach((part, tensor) -> assertThat(found.get(part).equal(tensor)).as("%s", part).isTrue());
            }
        }
    }
}
