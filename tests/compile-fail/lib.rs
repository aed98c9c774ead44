//! Nothing: the cases are programs of their own. trybuild compiles them with the dependencies of this
//! package.
