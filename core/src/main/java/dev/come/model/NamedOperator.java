package dev.come.model;

import dev.come.memory.Retained;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.OperatorHandleOptional;
import org.bytedeco.pytorch.OperatorName;
import org.bytedeco.pytorch.Tensor;

/**
 * An operator of the engine that has no method in Java and is called by its name. Lives as long as the process.
 */
record NamedOperator(Retained<OperatorHandle> handle) {

    /** The operator of this name, such as {@code aten::add}, without an overload; empty where the engine was built without it. */
    static Optional<NamedOperator> find(String name) {
        try (var _ = new PointerScope()) {
            OperatorHandleOptional found = Dispatcher.singleton().findSchema(new OperatorName(name, ""));
            return found.has_value()
                    ? Optional.of(new NamedOperator(Retained.of(new OperatorHandle(found.get()))))
                    : Optional.empty();
        }
    }

    /** Calls it with all its arguments, those with defaults too, for what it does. */
    void run(IValue... arguments) {
        stack(arguments);
    }

    /** Calls it with all its arguments, those with defaults too, for the tensor that it gives. */
    Tensor tensor(IValue... arguments) {
        return new Tensor(stack(arguments).get(0).toTensor()); // a reference of our own: the other one goes with the stack
    }

    private IValueVector stack(IValue... arguments) {
        IValueVector stack = new IValueVector(arguments);
        handle.borrow().callBoxed(stack);
        return stack;
    }

    /** An empty list of the type that an argument wants; a list of any other type is refused. */
    GenericList noElements(int argument) {
        return new GenericList(handle.borrow().schema().arguments().getPointer(argument).type().get().containedType(0));
    }
}
