package dev.come.calibration;

import dev.come.model.LayerWeights;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Trained;

/** Shards that lie on other machines, where layers are made whose weights those do not have. Called from one thread. */
public interface RemoteShards extends Shards {
    /**
     * Makes other weights of a layer known to all shards.
     *
     * @param node the layer before its weights were changed
     * @param position in its stack
     * @param weights in the types that the checkpoint stores
     * @return the recipe that shards know them by
     */
    Trained lend(LayerNode node, int position, LayerWeights weights);
}
