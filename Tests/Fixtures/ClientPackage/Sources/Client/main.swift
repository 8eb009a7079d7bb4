import PEFT

// A program of somebody else: 1 x 2 by 2 x 3, a gradient, and the count of a low-rank adapter.
let x = Tensor([1, 2], shape: [1, 2])
let weight = Parameter(Tensor([1, 0, 0, 1, 1, 1], shape: [3, 2]))
let y = x.linear(weight: weight.tensor)
y.sum().backward()
print("output \(y.array) gradient \(weight.gradient?.array ?? [])")
print("scale \(LoRA(rank: 4, alpha: 16).scale(rank: 4, alpha: 16))")
