package dev.come.run;

import dev.come.stack.LayerNode;
import java.util.stream.Stream;

/** Part of a message that whoever reads it can only use if it has the weights of some layers. */
public interface NeedsLayers {
    /** These layers. */
    Stream<LayerNode> layers();
}
